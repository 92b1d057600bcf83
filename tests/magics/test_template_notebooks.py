"""The notebooks that JupyterLab's launcher offers as a start: each cell is understood, and asks for its verb."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from torch import nn

TEMPLATES = Path(__file__).resolve().parents[2] / "labextension/templates"
ASKED = {
    "make-my-model-faster": ["profile", "autotune", "script"],
    "find-out-why-training-is-slow": ["profile", "fix"],
    "shrink-for-the-edge": ["sensitivity", "autotune", "compare"],
}


def test_every_template_is_known() -> None:
    assert {file.stem for file in TEMPLATES.glob("*.ipynb")} == set(ASKED)


@pytest.mark.parametrize("name", ASKED)
def test_a_template_runs_as_it_is(name: str, shell: Any, engine: Any) -> None:
    engine.optimized = nn.Linear(2, 2)
    for cell in nbformat.read(TEMPLATES / f"{name}.ipynb", 4).cells:
        if cell.cell_type == "code":
            assert shell.run(cell.source).success, f"{cell.source}\n{shell.out}{shell.err}"
    assert [verb for verb, _, _ in engine.calls] == ASKED[name]
