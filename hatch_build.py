"""Builds the front ends (TypeScript) into the wheel, where Node.js is there.

Without it the wheel is built without them, and `result.panel()` says how to get them. TAUTO_SKIP_FRONT_ENDS=1 builds
nothing; what was built before goes in all the same.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

EXTENSION = "labextension/dist"


class FrontEnds(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        # an sdist carries what was built, so a wheel made of it needs no Node.js; a build runs this twice
        if not self._built(root) and not os.environ.get("TAUTO_SKIP_FRONT_ENDS"):
            self._build(root)
        # an editable install has a link to it (Makefile): what is built again is there at once
        if version != "editable" and (root / EXTENSION).is_dir():
            build_data["shared_data"][EXTENSION] = "share/jupyter/labextensions/tauto"

    def _built(self, root: Path) -> bool:
        panels = any((root / "widgets/tauto_widgets/static").glob("*.js"))
        return panels and (root / EXTENSION / "install.json").is_file()

    def _build(self, root: Path) -> None:
        npm = shutil.which("npm")
        if npm is None:
            self.app.display_warning("Node.js is not there: built without the panels and the JupyterLab extension.")
            return
        for command in (["ci"], ["run", "build"]):
            subprocess.run([npm, *command], cwd=root, check=True)
