"""The latest result of this process, also after an interrupt."""

from __future__ import annotations

from typing import Any

from tauto.errors import InvalidArgument
from tauto.results.result import Result

__all__ = ["forget_last", "last", "set_last"]

_latest: list[Result[Any]] = []


def set_last(result: Result[Any]) -> None:
    """Remember ``result`` as the latest of this process."""
    _latest[:] = [result]


def forget_last() -> None:
    """Forget the latest result, and with it the model that it holds."""
    _latest.clear()


def last() -> Result[Any]:
    """Return the latest result of this process.

    Raises
    ------
    InvalidArgument
        When there is none yet.
    """
    if not _latest:
        raise InvalidArgument(
            "last: nothing has been run in this process yet. Run a verb such as tauto.profile(model, inputs); "
            "past runs are in tauto.runs()."
        )
    return _latest[0]
