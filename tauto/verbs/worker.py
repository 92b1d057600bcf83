"""Join the search of others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tauto.config import parse_duration
from tauto.errors import Interrupted, InvalidArgument
from tauto.results import StudyResult
from tauto.tuning.hyperparameters import Subject
from tauto.tuning.hyperparameters.joining import joining_plan, wait_for
from tauto.tuning.hyperparameters.search import Search
from tauto.tuning.study import StorageUrl
from tauto.verbs.checks import check_count
from tauto.verbs.executors import parse_places

__all__ = ["WAIT", "work"]

WAIT = "30s"


def work(
    objective: Callable[[], Any],
    *,
    study: str,
    storage: str | Path | None = None,
    trials: int | None = None,
    budget: str | float | None = None,
    workers: int = 1,
    wait: str | float = WAIT,
    origin: str = "",
) -> StudyResult:
    """Make trials of a study that another process began, until the study is at its end.

    Nothing of the storage is run: the code is ``objective``, and it must be the code that the study is of.

    Parameters
    ----------
    objective : callable
        As :func:`tauto.tune` takes it.
    study : str
        Name of the study.
    storage : str or Path, optional
        As in :func:`tauto.tune`.
    trials : int, optional
        Trials that the study may have in all; default as it was begun.
    budget : str or float, optional
        Time that this worker may take, such as ``"1h"``; default until the study is at its end.
    workers : int
        Trials of this worker side by side.
    wait : str or float
        How long to wait for a study that is not there yet: a scheduler may start this process before the one that
        begins it.
    origin : str
        Where the objective came from.

    Raises
    ------
    InvalidArgument, StudyError, MissingDependency
        When there is no such study, it is one of other code or of other versions, or the storage fails.
    Interrupted
        When stopped, with the study as it stands as the error's ``result``.
    """
    if not isinstance(study, str) or not study.strip():
        raise InvalidArgument(f"study: {study!r} is no name. Write that of a study, such as 'digits'.")
    if trials is not None:
        check_count("trials", trials)
    seconds = None if budget is None else parse_duration(budget)
    subject, where = Subject.of(objective, origin), StorageUrl.parse(storage)
    places = parse_places("local", workers)
    wait_for(where, study, parse_duration(wait, "wait") if wait else 0.0)
    plan = joining_plan(subject, where, study, places, trials=trials, budget_s=seconds)
    result = StudyResult(Search(plan).run())
    if result.report.interrupted:
        raise Interrupted(result)
    return result
