"""Past results: the last one, the store's, and the script of one."""

from __future__ import annotations

from typing import Any

from tauto.config import Settings
from tauto.errors import InvalidArgument, a_kind
from tauto.results import DistillationResult, Result, RunsResult, TuningResult
from tauto.results import last as _last
from tauto.results.last import last_of_any
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


def script(result: TuningResult | None = None) -> str:
    """Return the plain Python script of ``result`` (default: the last one of a verb that changes models).

    Raises
    ------
    InvalidArgument
        When there is none, or the result is of another kind.
    """
    chosen: Any = result if result is not None else last_of_any(TuningResult, DistillationResult)
    if isinstance(chosen, DistillationResult):
        raise InvalidArgument(
            "result: a student of your own is taught in place, by your own data, and has no script. Keep it by "
            "tauto.save(r.student, 'student'); for another result: tauto.script(that)."
        )
    if chosen is None:
        raise InvalidArgument("result: there is none with a recipe yet. Run tauto.autotune(model, inputs=…) first.")
    if not isinstance(chosen, TuningResult):
        raise InvalidArgument(f"result: {a_kind(chosen)} has no recipe; that of autotune has.")
    return chosen.script()
