"""The latest result of this process, also after an interrupt."""

from __future__ import annotations

from typing import Any, TypeVar

from tauto.errors import InvalidArgument
from tauto.results.result import Result

__all__ = ["forget_last", "last", "last_of", "last_of_any", "set_last"]

_latest: dict[type[Result[Any]], Result[Any]] = {}
"""The latest of each kind; the latest of all stands last."""

R = TypeVar("R", bound=Result[Any])


def set_last(result: Result[Any]) -> None:
    """Remember ``result`` as the latest of this process."""
    _latest.pop(type(result), None)
    _latest[type(result)] = result


def forget_last() -> None:
    """Forget the latest results, and with them the models that they hold."""
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
    return next(reversed(_latest.values()))


def last_of_any(*kinds: type[Result[Any]]) -> Result[Any] | None:
    """Return the latest result of these ``kinds``; None when there is none."""
    return next((found for kind, found in reversed(_latest.items()) if kind in kinds), None)


def last_of(kind: type[R]) -> R | None:
    """Return the latest result of this ``kind``; None when there is none."""
    found = _latest.get(kind)
    return found if isinstance(found, kind) else None
