"""What a new study tries first: the best of an earlier one, or values of the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tauto.errors import InvalidArgument, a_kind, did_you_mean
from tauto.reports import StudyReport
from tauto.tuning.study import DAMAGE, StorageUrl, explained, quiet, storage_of

__all__ = ["BEST", "earlier_params"]

BEST = 5
"""So many of an earlier study are tried first."""


def earlier_params(given: Any, where: StorageUrl) -> list[dict[str, Any]]:
    """Return the parameters that ``given`` means: the name or report of a study, a mapping, or several of these.

    Raises
    ------
    InvalidArgument
        When it is none of these, or there is no such study in the storage.
    """
    if given is None:
        return []
    if isinstance(given, StudyReport):
        return _of_report(given)
    if isinstance(given, str):
        return _of_study(given, where)
    if isinstance(given, Mapping):
        return [dict(given)]
    if isinstance(given, Sequence):
        return [params for one in given for params in earlier_params(one, where)]
    raise InvalidArgument(
        f"warm_start: {a_kind(given)} is no study. Write its name, the result of tauto.tune, or values such "
        "as {'lr': 0.001}."
    )


def _of_report(report: StudyReport) -> list[dict[str, Any]]:
    if report.front:
        return [dict(report.trial(number).params) for number in report.front[:BEST]]
    sign = 1.0 if report.goals[0].direction == "minimize" else -1.0
    ranked = sorted((one for one in report.trials if one.feasible), key=lambda one: sign * one.values[0])
    return [dict(one.params) for one in ranked[:BEST]]


def _of_study(name: str, where: StorageUrl) -> list[dict[str, Any]]:
    with storage_of(where) as storage, explained(where, DAMAGE), quiet():
        names = optuna.get_all_study_names(storage)
        if name not in names:
            hint = did_you_mean(name, names)
            raise InvalidArgument(f"warm_start: there is no study {name!r} in {where.shown}. {hint}".rstrip())
        study = optuna.load_study(storage=storage, study_name=name)
        if len(study.directions) > 1:
            return [dict(one.params) for one in study.best_trials[:BEST]]
        sign = 1.0 if study.direction == StudyDirection.MINIMIZE else -1.0

        def rank(one: FrozenTrial) -> tuple[bool, float]:
            return any(value > 0 for value in one.constraints.values()), sign * float(one.values[0])

        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return [dict(one.params) for one in sorted(complete, key=rank)[:BEST]]
