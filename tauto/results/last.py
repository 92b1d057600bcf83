"""The latest result of this process, also after an interrupt."""

from __future__ import annotations

from typing import Any

from tauto.errors import InvalidArgument
from tauto.results.result import Result

__all__ = ["last", "set_last"]

_latest: list[Result[Any]] = []


def set_last(result: Result[Any]) -> None:
    """Remember ``result`` as the latest of this process."""
    _latest[:] = [result]


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
