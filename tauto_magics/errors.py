"""A user's mistake in a magic: one line, and a real error of the notebook.

IPython prints a plain ``UsageError`` to stderr and leaves no error output, so that nbval passes the broken
cell; a subclass shows a full traceback. A subclass that renders itself as one line does both right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from IPython.core.error import UsageError as IPythonUsageError

from tauto.errors import TautoError

__all__ = ["Stopped", "UsageError", "one_line", "translated"]

T = TypeVar("T")


class UsageError(IPythonUsageError):
    """What the user wrote cannot be done; shown as one line, and the cell fails."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class Stopped(KeyboardInterrupt):
    """The user stopped the engine at work; Run All stops here. One line: where in the engine says nothing to them."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self}"]


def one_line(message: object) -> str:
    """Return the message with every run of blanks and line ends as one blank."""
    return " ".join(str(message).split())


def translated(work: Callable[[], T]) -> T:
    """Return what ``work`` returns; an error that the engine raised on purpose becomes a :class:`UsageError`.

    Raises
    ------
    UsageError
        Outside the handler, so that the engine's own traceback and context do not follow it to the screen.
    """
    try:
        return work()
    except TautoError as error:
        message = one_line(error)
    raise UsageError(message)
