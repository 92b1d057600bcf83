"""What a wheel carries beside the Python packages: the panels' front ends and the JupyterLab extension, as built."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXTENSION = f"tauto-{version('tauto')}.data/data/share/jupyter/labextensions/tauto/"
BUILT = (ROOT / "labextension/dist/install.json").is_file() and (ROOT / "widgets/tauto_widgets/static").is_dir()


@pytest.mark.skipif(not BUILT, reason="the front ends are not built here: make front-ends")
def test_a_wheel_carries_the_panels_and_the_extension(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name != "TAUTO_SKIP_FRONT_ENDS"}
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--quiet"]
    subprocess.run([*command, f"--wheel-dir={tmp_path}", ROOT], check=True, capture_output=True, env=kept)
    (wheel,) = tmp_path.glob("tauto-*.whl")
    with zipfile.ZipFile(wheel) as found:
        names = set(found.namelist())
        about = json.loads(found.read(f"{EXTENSION}package.json"))
        offered = json.loads(found.read(f"{EXTENSION}notebooks/index.json"))
    panels = {path.stem for path in (ROOT / "widgets/src").glob("*.ts") if not path.name.endswith(".d.ts")}
    assert panels
    assert names >= {f"tauto_widgets/static/{panel}.js" for panel in panels}
    # what JupyterLab loads first, its settings, and what the launcher copies
    built = about["jupyterlab"]["_build"]
    assert names >= {EXTENSION + part for part in (built["load"], "install.json", "schemas/tauto/plugin.json")}
    assert names >= {f"{EXTENSION}notebooks/{one['file']}" for one in offered}
    assert not [name for name in names if "node_modules" in name or name.startswith(("tests/", "widgets/"))]
