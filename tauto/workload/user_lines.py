"""Which files are the user's own, and what a report calls them."""

from __future__ import annotations

import os
import re
import sysconfig
from functools import lru_cache
from pathlib import Path

import torch

import tauto
from tauto.config import front_end

__all__ = ["is_users", "title"]

_PATHS = ("stdlib", "platstdlib", "purelib", "platlib")
_CELL = "cell"
_COMMAND = (f"{os.sep}tauto", f"{os.sep}tauto.exe")
"""The command of the terminal, wherever it was installed: the file that it begins in is of nobody."""
_NUMBERED = re.compile(r"<ipython-input-(\d+)-")
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_OTHERS = tuple(
    f"{path}{os.sep}"
    for path in (
        *(sysconfig.get_path(name) for name in _PATHS),
        Path(torch.__file__).parent,
        Path(tauto.__file__).parent,
        Path(tauto.__file__).parent.with_name("tauto_magics"),
    )
)


@lru_cache(maxsize=4096)
def is_users(file: str) -> bool:
    """Return whether code of ``file`` is the user's: a notebook's cell or a file that is not of an installed library.

    Examples
    --------
    >>> is_users("<ipython-input-3-0a1b>"), is_users(torch.__file__), is_users("/usr/local/bin/tauto")
    (True, False, False)
    """
    if file.startswith("<"):
        return file.startswith(("<ipython-input", "<stdin>", "<string>"))
    if file.endswith(_COMMAND):
        return False
    return not file.startswith(_OTHERS) and not any(folder in file for folder in _INSTALLED)


def title(file: str) -> str:
    """Return what to call ``file`` in a report: its name, or ``cell [7]`` for a cell of a notebook.

    The number is the one that the notebook shows beside the cell; it changes when the same code is run again. A kernel
    does not write it into the file's name, so that only the front end knows it: without one it is a ``cell``.

    Examples
    --------
    >>> title("<ipython-input-3-0a1b>"), title("/project/train.py")
    ('cell [3]', 'train.py')
    """
    shown = _shown(file)
    if shown != _CELL:
        return shown
    number = front_end().cell_of(file)
    return f"{_CELL} [{number}]" if number else _CELL


@lru_cache(maxsize=4096)
def _shown(file: str) -> str:
    """Return the title of ``file`` as far as its name tells it."""
    if (numbered := _NUMBERED.match(file)) is not None:
        return f"{_CELL} [{numbered[1]}]"
    if file.startswith("<ipython-input") or f"{os.sep}ipykernel_" in file:
        return _CELL
    return Path(file).name
