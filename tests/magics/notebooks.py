"""Notebooks made and run in a real kernel, for the tests of this folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]

SETUP = """\
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
x = torch.randn(4, 8)
batches = [torch.randn(4, 8) for _ in range(3)]
def accuracy(model):
    return 1.0
"""


def environment(folder: Path) -> dict[str, str]:
    """Return an environment whose files all lie in ``folder``."""
    folders = {name: str(folder / name.lower()) for name in ("IPYTHONDIR", "TAUTO_STORE", "TAUTO_WORK")}
    # beside the folders of all tests: the ceilings of this machine are measured once for the whole session
    folders["TAUTO_CACHE"] = str(folder.parent / "cache")
    return {**os.environ, **folders, "PYTHONPATH": str(ROOT)}


def notebook(cells: list[str]) -> Any:
    """Return a notebook of code cells, the extension loaded in the first."""
    new = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    new.cells = [nbformat.v4.new_code_cell(source) for source in ["%load_ext tauto_magics\n" + SETUP, *cells]]
    return new


def executed(cells: list[str], folder: Path, *, allow_errors: bool = True) -> list[Any]:
    """Run ``cells`` in a real kernel and return the outputs of each."""
    made = notebook(cells)
    client = NotebookClient(made, timeout=540, allow_errors=allow_errors, resources={"metadata": {"path": str(folder)}})
    client.execute(env=environment(folder))
    first, *others = made.cells
    assert not first.outputs, first.outputs
    return [cell.outputs for cell in others]


def checked_by(tool: list[str], cells: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool such as nbval over a notebook of ``cells``."""
    file = folder / "checked.ipynb"
    nbformat.write(notebook(cells), file)
    command = [sys.executable, "-m", *tool, str(file)]
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
