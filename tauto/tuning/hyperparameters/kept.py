"""Studies that are there: listed, shown, deleted, exported. Nothing of them is run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.storages import RDBStorage
from optuna.study import StudyDirection

from tauto.errors import InvalidArgument, did_you_mean
from tauto.reports import StudiesReport, StudyReport, StudyRow
from tauto.tuning.hyperparameters import account
from tauto.tuning.hyperparameters.goal import Constraint, Goal
from tauto.tuning.study import DAMAGE, Identity, StorageUrl, explained, quiet, storage_of
from tauto.tuning.study.identity import ATTRIBUTE
from tauto.tuning.study.opening import KNOWN

__all__ = ["delete_study", "goal_of", "list_studies", "study_report"]

GAIN = "gain"


def list_studies(where: StorageUrl) -> StudiesReport:
    """Return the studies of a storage in brief, latest first; of a file that is not there, none.

    Raises
    ------
    StudyError
        When the storage cannot be read.
    """
    if where.file is not None and not where.file.exists():
        return StudiesReport(where.shown, ())
    with storage_of(where) as storage, explained(where, DAMAGE), quiet():
        found = optuna.get_all_study_summaries(storage, include_best_trial=False)
        rows = [_row(storage, one) for one in found]
    return StudiesReport(where.shown, tuple(sorted(rows, key=lambda row: row.begun, reverse=True)))


def _row(storage: RDBStorage, one: optuna.study.StudySummary) -> StudyRow:
    study = optuna.load_study(storage=storage, study_name=one.study_name)
    identity = Identity.from_attribute(study.user_attrs.get(ATTRIBUTE))
    goal = _goal_of(study, identity)
    trials = account.trials_of(study.get_trials(deepcopy=False), goal)
    best, _, _ = account.choose(trials, goal)
    return StudyRow(
        name=one.study_name,
        subject=identity.subject if identity is not None else "",
        goal=", ".join(goal.words if identity is None or identity.kind == "tune" else identity.goal[:-1]),
        trials=sum(trial.state in ("complete", "stopped_early", "failed") for trial in trials),
        best=next((trial.values[0] for trial in trials if trial.number == best), None),
        begun=one.datetime_start.isoformat(timespec="seconds") if one.datetime_start is not None else "",
    )


def study_report(where: StorageUrl, name: str) -> StudyReport:
    """Return the study ``name`` as it stands.

    Raises
    ------
    InvalidArgument
        When there is none of this name.
    StudyError
        When the storage cannot be read.
    """
    with _study(where, name) as study:
        identity = Identity.from_attribute(study.user_attrs.get(ATTRIBUTE))
        goal = _goal_of(study, identity)
        found = study.get_trials(deepcopy=False)
        trials = account.trials_of(found, goal)
        best, front, nearest = account.choose(trials, goal)
        machines = account.machines_of(found)
    # what is estimated from it is no matter of the file any more
    return StudyReport(
        name=name,
        subject=identity.subject if identity is not None else "another program",
        storage=where.shown,
        goals=account.goals_of(goal),
        constraints=tuple(map(str, goal.constraints)),
        knobs=account.knobs_of(goal, found),
        trials=trials,
        best=best,
        front=front,
        nearest=nearest,
        random_best=account.random_best(trials, goal),
        stopped="",
        earlier=sum(one.state in ("complete", "stopped_early", "failed") for one in trials),
        importance_by=account.importance_by(),
        machines=machines,
    )


def delete_study(where: StorageUrl, name: str) -> int:
    """Delete the study ``name`` with all its trials; return how many these were.

    Raises
    ------
    InvalidArgument
        When there is none of this name.
    StudyError
        When the storage cannot be written.
    """
    with _study(where, name) as study:
        count = len(study.get_trials(deepcopy=False))
        optuna.delete_study(study_name=name, storage=study._storage)
    return count


def goal_of(where: StorageUrl, name: str) -> tuple[str, Goal]:
    """Return where the code of a study came from (empty for a notebook), and what it is for."""
    with _study(where, name) as study:
        identity = Identity.from_attribute(study.user_attrs.get(ATTRIBUTE))
        return (identity.origin if identity is not None else ""), _goal_of(study, identity)


@contextmanager
def _study(where: StorageUrl, name: str) -> Iterator[optuna.Study]:
    if where.file is not None and not where.file.exists():
        raise InvalidArgument(f"study: there is none called {name!r}; {where.shown} is not there.")
    with storage_of(where) as storage, explained(where, DAMAGE), quiet():
        names = optuna.get_all_study_names(storage)
        if name not in names:
            hint = did_you_mean(name, names) or KNOWN[bool(names)].format(option=where.option)
            raise InvalidArgument(f"study: there is none called {name!r} in {where.shown}. {hint}".rstrip())
        yield optuna.load_study(storage=storage, study_name=name)


def _goal_of(study: optuna.Study, identity: Identity | None) -> Goal:
    """Return the goal that was written down; of a plain Optuna study its directions."""
    ways = ["maximize" if one == StudyDirection.MAXIMIZE else "minimize" for one in study.directions]
    if identity is None:
        names = study.metric_names
        return Goal.parse(dict(zip(names, ways, strict=True)) if names else ways)
    if identity.kind != "tune":  # its trials are recipes, and each value what one gains over the original
        return Goal.parse({GAIN: "maximize"})
    names = [text.partition(" ")[2] for text in identity.goal[: len(ways)]]
    limits = tuple(Constraint.parse(text) for text in identity.goal[len(ways) :])
    plain = Goal.parse(dict(zip(names, ways, strict=True)) if len(names) == len(ways) else ways)
    return Goal(plain.objectives, limits)
