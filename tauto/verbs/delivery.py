"""What every verb does with its report: keep it in the store, make it the last result, hand it over."""

from __future__ import annotations

from typing import Any, TypeVar

from tauto.config import Settings
from tauto.errors import Interrupted
from tauto.results import Result, TuningResult, set_last
from tauto.store import Store
from tauto.tuning import Tuned

__all__ = ["deliver", "deliver_tuned"]

R = TypeVar("R", bound=Result[Any])


def deliver(result: R) -> R:
    """Store the report of ``result``, make it ``tauto.last()``, and return it."""
    set_last(result)
    Store(Settings.current().store).add(result.report)
    return result


def deliver_tuned(tuned: Tuned) -> TuningResult:
    """Return the result of a search; when the user stopped it, raise Interrupted that carries it."""
    result = deliver(TuningResult(tuned.report, tuned.model))
    if tuned.report.interrupted:
        raise Interrupted(result)
    return result
