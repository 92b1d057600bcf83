"""Past results: the last one, the store's, and the script of one."""

from __future__ import annotations

from typing import Any

from tauto.config import Settings
from tauto.errors import InvalidArgument
from tauto.results import Result, RunsResult, TuningResult
from tauto.results import last as _last
from tauto.store import Store

__all__ = ["last", "runs", "script"]


def last() -> Result[Any]:
    """Return the latest result of this process, also after an interrupt.

    Raises
    ------
    InvalidArgument
        When there is none yet.
    """
    return _last()


def runs(limit: int = 20) -> RunsResult:
    """Return the latest runs kept in the store of the working folder (``.tauto/``), newest first."""
    store = Store(Settings.current().store)
    return RunsResult(store.list(limit), store.get)


def script(result: Result[Any] | None = None) -> str:
    """Return the plain Python script of ``result`` (default: the last one that has a recipe).

    Raises
    ------
    InvalidArgument
        When the result has no recipe.
    """
    chosen = result if result is not None else last()
    if not isinstance(chosen, TuningResult):
        raise InvalidArgument(
            f"result: a {type(chosen).__name__} has no recipe. Give the result of autotune or quantize."
        )
    return chosen.script()
