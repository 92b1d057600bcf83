"""Makes a study, or goes on with the one of that name when it is a study of the same."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.pruners import BasePruner
from optuna.storages import RDBStorage

from tauto.errors import InvalidArgument, did_you_mean
from tauto.tuning.study.digest import changed_parts
from tauto.tuning.study.identity import ATTRIBUTE, Identity
from tauto.tuning.study.storage import DAMAGE, explained, quiet
from tauto.tuning.study.url import StorageUrl

__all__ = ["KNOWN", "Direction", "Opened", "open_study"]

Direction: TypeAlias = Literal["maximize", "minimize"]

KNOWN = ("There is none at all.", "tauto studies list{option} shows those that are there.")
"""What is said of a name that is like no other: where there are no studies, and where there are some."""
_SETTLES_S = 5.0
"""Who makes a study says in the next moment what it is of."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A study, and whether this process made it."""

    study: optuna.Study
    storage: RDBStorage
    created: bool
    begun: Identity | None = None
    """What it says of itself, when another process made it."""


def open_study(
    storage: RDBStorage,
    where: StorageUrl,
    name: str,
    directions: Sequence[Direction],
    identity: Identity,
    *,
    resume: bool | None = None,
    pruner: BasePruner | None = None,
) -> Opened:
    """Make the study ``name``, or open the one that is there.

    Parameters
    ----------
    storage, where
        As :func:`~tauto.tuning.study.storage.open_storage` returned it, and where that is.
    name : str
        Of the study.
    directions : sequence of str
        ``"maximize"`` or ``"minimize"``, for each objective.
    identity : Identity
        What it is to be a study of.
    resume : bool, optional
        True: it must be there. False: it must not. None: either.

    Raises
    ------
    InvalidArgument
        When it is a study of something else, by name, with what to write instead.
    StudyError
        When the storage fails.
    """
    with explained(where, DAMAGE), quiet():
        names = [one.study_name for one in optuna.get_all_study_summaries(storage, include_best_trial=False)]
        if name in names and resume is False:
            raise InvalidArgument(
                f"study: there is one called {name!r} in {where.shown}. Go on with it (resume=True), write another "
                f"name, or remove it: tauto studies delete {shlex.quote(name)}{where.option}."
            )
        if name not in names:
            if resume:
                hint = did_you_mean(name, names) or KNOWN[bool(names)].format(option=where.option)
                raise InvalidArgument(f"study: there is none called {name!r} in {where.shown}. {hint}")
            try:
                made = optuna.create_study(storage=storage, study_name=name, directions=directions, pruner=pruner)
            except DuplicatedStudyError:  # another process made it this moment
                pass
            else:
                made.set_user_attr(ATTRIBUTE, identity.to_attribute())
                return Opened(made, storage, created=True)
        study = optuna.load_study(storage=storage, study_name=name, pruner=pruner)
        begun = _check(study, directions, identity, where)
        return Opened(study, storage, created=False, begun=begun)


def _check(study: optuna.Study, directions: Sequence[str], identity: Identity, where: StorageUrl) -> Identity | None:
    before = _identity_of(study)
    another = f"Write another name, such as study={study.study_name + '-2'!r}"
    there = [direction.name.lower() for direction in study.directions]
    if there != list(directions) or (before is not None and list(before.goal) != list(identity.goal)):
        is_of = ", ".join(before.goal) if before is not None else " and ".join(there)
        raise InvalidArgument(
            f"study: {study.study_name!r} in {where.shown} is to {is_of}, and this is to {', '.join(identity.goal)}. "
            f"{another}, or say the same direction and constraints."
        )
    if before is None:  # a study that Optuna alone made: its trials count, and from here on it is one of this
        study.set_user_attr(ATTRIBUTE, identity.to_attribute())
        return None
    if before.kind != identity.kind:
        raise InvalidArgument(f"study: {study.study_name!r} in {where.shown} is one of {before.kind}. {another}.")
    if before.python == identity.python and (changed := changed_parts(before.parts, identity.parts)):
        named = ", ".join(map(repr, changed[:5]))
        # only tune begins with the best of another study
        warm = (
            f" (warm_start={study.study_name!r} begins with the best of the old one)" if before.kind == "tune" else ""
        )
        raise InvalidArgument(
            f"study: {named} changed since {study.study_name!r} in {where.shown} was begun, so that its "
            f"trials cannot be compared with new ones. {another}{warm}, or put back what changed."
        )
    return before


def _identity_of(study: optuna.Study) -> Identity | None:
    end = time.monotonic() + _SETTLES_S
    while True:
        if (found := Identity.from_attribute(study.user_attrs.get(ATTRIBUTE))) is not None:
            return found
        if study.get_trials(deepcopy=False) or time.monotonic() > end:
            return None
        time.sleep(0.1)
