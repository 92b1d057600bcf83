"""Join the search of others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tauto.config import parse_duration
from tauto.errors import Interrupted
from tauto.results import StudyResult
from tauto.tuning.hyperparameters import Subject
from tauto.tuning.hyperparameters.joining import joining_plan
from tauto.tuning.hyperparameters.search import Search
from tauto.tuning.study import StorageUrl
from tauto.verbs.checks import check_count
from tauto.verbs.executors import parse_places

__all__ = ["work"]


def work(
    objective: Callable[[], Any],
    *,
    study: str,
    storage: str | Path | None = None,
    trials: int | None = None,
    budget: str | float | None = None,
    workers: int = 1,
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
    origin : str
        Where the objective came from.

    Raises
    ------
    InvalidArgument, StudyError, MissingDependency
        When there is no such study, it is one of other code or of other versions, or the storage fails.
    Interrupted
        When stopped, with the study as it stands as the error's ``result``.
    """
    if trials is not None:
        check_count("trials", trials)
    seconds = None if budget is None else parse_duration(budget)
    subject, where = Subject.of(objective, origin), StorageUrl.parse(storage)
    plan = joining_plan(subject, where, study, parse_places("local", workers), trials=trials, budget_s=seconds)
    result = StudyResult(Search(plan).run())
    if result.report.interrupted:
        raise Interrupted(result)
    return result
