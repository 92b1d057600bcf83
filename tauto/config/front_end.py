"""What TAuto is used from, as that says itself: what it calls its cells, and how a line to run is written there.

There is one in a process: the magics tell of themselves when they are loaded, a command of the terminal while it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["FrontEnd", "front_end", "use_front_end", "written"]


def _no_cell(file: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """What TAuto is used from."""

    kind: Literal["python", "notebook", "terminal"] = "python"
    cell_of: Callable[[str], str] = _no_cell
    """Returns the number that a notebook shows beside the cell whose code has this file name; "" for other files."""


_current = FrontEnd()


def front_end() -> FrontEnd:
    """Return what TAuto is used from; plain Python where nothing has said otherwise."""
    return _current


def use_front_end(new: FrontEnd) -> FrontEnd:
    """Make ``new`` the front end, and return the one before it."""
    global _current
    before, _current = _current, new
    return before


def written(option: str, value: str) -> str:
    """Return how an option is given a value where TAuto is used from.

    Examples
    --------
    >>> written("budget", "6min")
    'budget="6min"'
    """
    if _current.kind == "python":
        return f'{option}="{value}"'
    return f"--{option.replace('_', '-')} {value}"
