"""How a worker joins a study: as those search it who began it, with code from its own disk."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from pydantic import TypeAdapter, ValidationError

from tauto.errors import InvalidArgument, did_you_mean
from tauto.events import Progress, emit
from tauto.tuning.hyperparameters.kept import goal_of
from tauto.tuning.hyperparameters.places import Places
from tauto.tuning.hyperparameters.sampling import PRUNERS, SAMPLERS
from tauto.tuning.hyperparameters.search import ASKED, SearchPlan
from tauto.tuning.hyperparameters.subject import Subject
from tauto.tuning.study import Identity, StorageUrl, explained, quiet, storage_of
from tauto.tuning.study.identity import ATTRIBUTE, other_versions
from tauto.tuning.study.opening import KNOWN

__all__ = ["joining_plan", "wait_for"]

_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a study's own search says of itself."""

    trials: int | None = None
    budget_s: float | None = None
    sampler: str = "tpe"
    pruner: str | None = None
    seeds: int = 1
    seed: int = 0
    trial_limit_s: float | None = None
    versions: dict[str, str] = field(default_factory=dict)


def joining_plan(
    subject: Subject, where: StorageUrl, name: str, places: Places, *, trials: int | None, budget_s: float | None
) -> SearchPlan:
    """Return the plan of a worker.

    Parameters
    ----------
    subject : Subject
        What is tuned, from this machine's own disk.
    where, name : StorageUrl, str
        The storage, and the study in it.
    places : Places
        Where its trials run.
    trials : int, optional
        That the study may have in all; default as it was begun.
    budget_s : float, optional
        Seconds that this worker may take.

    Raises
    ------
    InvalidArgument
        When there is no such study, it was begun under other versions, or nothing says when it ends.
    StudyError
        When the storage cannot be read.
    """
    names = _names(where)
    if name not in names:
        raise _none(name, where, names)
    with storage_of(where) as storage, explained(where), quiet():
        known = optuna.load_study(storage=storage, study_name=name).user_attrs
    _, goal = goal_of(where, name)
    asked, begun = _asked(known.get(ASKED)), Identity.from_attribute(known.get(ATTRIBUTE))
    _check_versions(asked.versions or (begun.versions if begun is not None else {}), name, where)
    wanted = asked.trials if trials is None else trials
    if wanted is None and asked.budget_s is None and budget_s is None:
        raise InvalidArgument(f"trials: nothing says when {name!r} is at its end. Write --trials or --budget.")
    return SearchPlan(
        subject=subject,
        goal=goal,
        where=where,
        name=name,
        sampler=asked.sampler if asked.sampler in SAMPLERS else "tpe",
        pruner=asked.pruner if asked.pruner in PRUNERS else None,
        seeds=max(1, asked.seeds),
        seed=max(0, asked.seed),
        budget_s=asked.budget_s,
        wanted=wanted,
        trial_limit_s=asked.trial_limit_s,
        resume=True,
        places=places,
        joins=True,
        own_budget_s=budget_s,
    )


def wait_for(where: StorageUrl, name: str, within_s: float) -> None:
    """Wait until there is a study of this name and it says what it is of, ``within_s`` seconds at most.

    Raises
    ------
    StudyError
        When the storage cannot be read.
    """
    end = time.monotonic() + within_s
    while name not in _names(where) and time.monotonic() < end:
        emit(Progress("worker", f"waiting for the study {name} to be begun", None, end - time.monotonic()))
        time.sleep(min(_LOOK_S, within_s))


def _names(where: StorageUrl) -> list[str]:
    if where.file is not None and not where.file.exists():
        return []
    with storage_of(where) as storage, explained(where), quiet():
        found = optuna.get_all_study_summaries(storage, include_best_trial=False)
        return [one.study_name for one in found if ASKED in one.user_attrs or one.datetime_start is not None]


def _none(name: str, where: StorageUrl, names: list[str]) -> InvalidArgument:
    hint = did_you_mean(name, names) or KNOWN[bool(names)]
    return InvalidArgument(
        f"study: there is none called {name!r} in {where.shown}. {hint} tauto tune --study {name} begins it."
    )


def _check_versions(before: Mapping[str, str], name: str, where: StorageUrl) -> None:
    """Refuse a worker under which the same code may come to other figures than with who searches the study."""
    if other := other_versions(before):
        raise InvalidArgument(
            f"study: {name!r} in {where.shown} is searched with {'; '.join(other)}: trials could not be compared. "
            "Install the same here, or begin another study."
        )


def _asked(data: Any) -> _Asked:
    try:
        return TypeAdapter(_Asked).validate_python({} if data is None else data)
    except ValidationError:  # another program's
        return _Asked()
