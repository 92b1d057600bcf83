"""The user's line in what the compiler prints: not torch's, not a library's where there is one of the user's."""

from __future__ import annotations

import linecache
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import tauto
from tauto.workload.user_lines import is_users, title

__all__ = ["UserLine", "user_line"]

_FRAME = re.compile(r'^\s*File "(?P<file>.+)", line (?P<line>\d+)(?:, in (?P<function>.+))?$', re.MULTILINE)
_INTERNAL = (str(Path(torch.__file__).parent), str(Path(tauto.__file__).parent))


@dataclass(frozen=True, slots=True)
class UserLine:
    """A line of a file; ``file`` is as Python knows it."""

    file: str
    line: int
    function: str = ""

    @property
    def place(self) -> str:
        """What a report calls it, such as ``model.py:12``."""
        return f"{title(self.file)}:{self.line}"

    @property
    def code(self) -> str:
        """The line's own text; empty where this process does not know it."""
        return linecache.getline(self.file, self.line).strip()


def user_line(text: str) -> UserLine | None:
    """Return the innermost line of the user's in a printed stack, else the innermost of a library's, or None.

    Parameters
    ----------
    text : str
        With lines such as ``File "model.py", line 3, in forward``, the outermost first.

    Examples
    --------
    >>> user_line('File "/project/model.py", line 3, in forward').place
    'model.py:3'
    """
    found = [UserLine(one["file"], int(one["line"]), one["function"] or "") for one in _FRAME.finditer(text)]
    return _last([one for one in found if is_users(one.file)]) or _last([one for one in found if _foreign(one.file)])


def _foreign(file: str) -> bool:
    """Return whether ``file`` is of a library that is neither torch, TAuto nor Python's own."""
    return "site-packages" in file and not file.startswith(_INTERNAL)


def _last(found: Sequence[UserLine]) -> UserLine | None:
    return found[-1] if found else None
