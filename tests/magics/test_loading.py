"""``%load_ext``: nothing printed, nothing heavy imported, no trace left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from tauto_magics.extension import MAGICS

ROOT = Path(__file__).resolve().parents[2]

LOAD = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "tauto_magics")
names = {"torch", "numpy", "torchao", "openvino", "pydantic", "tauto.verbs", "tauto.workload", "typer"}
heavy = names & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""


def test_loading_prints_nothing_and_imports_no_engine(tmp_path: Path) -> None:
    environment = {"PATH": "", "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_magic_is_registered(shell: Any) -> None:
    for magic in MAGICS:
        assert shell.ip.find_line_magic(magic.name) is not None
        assert (shell.ip.find_cell_magic(magic.name) is not None) == magic.cell


def test_loading_again_is_loading_once(shell: Any) -> None:
    matchers, configurables = len(shell.ip.Completer.custom_matchers), len(shell.ip.configurables)
    shell.run("%load_ext tauto_magics")
    shell.run("%reload_ext tauto_magics")
    assert (len(shell.ip.Completer.custom_matchers), len(shell.ip.configurables)) == (matchers, configurables)
    assert shell.run("%tauto --help").success


def test_unloading_leaves_no_trace(shell: Any) -> None:
    matchers, configurables = len(shell.ip.Completer.custom_matchers), len(shell.ip.configurables)
    shell.run("%unload_ext tauto_magics")
    assert shell.ip.find_line_magic("tauto") is None
    assert (len(shell.ip.Completer.custom_matchers), len(shell.ip.configurables)) == (matchers - 1, configurables - 1)
    shell.run("%load_ext tauto_magics")


def test_every_magic_has_a_docstring_that_leads_to_its_help(shell: Any) -> None:
    for magic in MAGICS:
        assert f"%{magic.name} --help" in shell.ip.find_line_magic(magic.name).__doc__


def test_the_settings_are_listed(shell: Any) -> None:
    shell.run("%config TautoMagics")
    assert "TautoMagics.max_drop" in shell.out


def test_the_overview_lists_what_is_there(shell: Any) -> None:
    result = shell.run("%tauto").result
    text, html = repr(result), result._repr_html_()
    for magic in MAGICS:
        assert f"%{magic.name}" in text
        assert f"%{magic.name}" in html
    assert "torch 2" in text
    assert "core" in result.machine


def test_the_script_is_shown_as_it_is_kept_and_written(shell: Any, engine: Any, tmp_path: Path) -> None:
    shell.run("%tauto_script")
    assert "import torch\nprint(1)\n" in shell.out
    shell.run("text = %tauto_script --to made.py")
    assert shell.ip.user_ns["text"] == (tmp_path / "made.py").read_text() == "import torch\nprint(1)\n"
    assert "cannot be written" in shell.fails("%tauto_script --to no/such/folder.py")
