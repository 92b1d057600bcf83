"""Which line of the user's code a recorded Python frame is; torch's profiler shortens the files' names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from torch.profiler.python_tracer import _prefix_regex

from tauto.workload.user_lines import is_users, title

__all__ = ["stack_lines"]

_NOT_THE_USERS = tuple(f"{package}{os.sep}" for package in ("tauto", "tauto_magics", "torch"))
"""What stands in every stack; torch keeps the folders that it cuts off from its first run in a process on."""


def stack_lines() -> Callable[[str, int], str]:
    """Return a function that writes a frame's file and line as the user knows it; "" for code that is not theirs.

    torch cuts the longest folder of ``sys.path`` off a file's name, so that only where the file is tells the user's
    ``train.py`` from a library's.

    Examples
    --------
    >>> stack_lines()("torch/nn/modules/module.py", 12)
    ''
    """
    prefixes = _prefix_regex()
    known: dict[str, str] = {}

    def name_of(file: str) -> str:
        if file.startswith(_NOT_THE_USERS):
            return ""
        path = file
        if not file.startswith("<") and not Path(file).is_absolute():
            path = next((whole for prefix in prefixes if Path(whole := f"{prefix}{file}").exists()), file)
        return title(path) if is_users(path) else ""

    def line_of(file: str, line: int) -> str:
        name = known.get(file)
        if name is None:
            name = known[file] = name_of(file)
        return f"{name}:{line}" if name else ""

    return line_of
