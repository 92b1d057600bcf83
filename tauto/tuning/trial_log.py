"""The trials of a search, kept in a study as they end: a search that was cut off goes on with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from tauto.errors import StudyError
from tauto.reports import StudyNote, TrialReport
from tauto.tuning.hyperparameters.account import REASON, RECIPE, SECONDS
from tauto.tuning.study import (
    Identity,
    Opened,
    StorageUrl,
    digest_of,
    explained,
    open_storage,
    open_study,
    quiet,
    versions,
)
from tauto.tuning.study.digest import parts_of
from tauto.tuning.study.interrupted import MACHINE, machine_of
from tauto.workload import Workload

if TYPE_CHECKING:
    import optuna

__all__ = ["TrialLog", "identity_of", "open_log"]

TRIAL = "tauto:trial"
"""Attribute of a trial: its whole report, as JSON."""
VERSIONS = "tauto:versions"
"""Attribute of a trial: the versions under which it was measured."""
ENDED = "tauto:ended"
"""Attribute of a study, with a machine's fingerprint: its search came to its end there."""
_REPORT = TypeAdapter(TrialReport)


@dataclass(slots=True)
class TrialLog:
    """The study in which a search keeps its trials.

    Parameters
    ----------
    opened : Opened
        The study.
    where : StorageUrl
        The storage that it is in.
    """

    opened: Opened
    where: StorageUrl
    machine: tuple[str, str]
    """Fingerprint and description of the machine that counts: others' trials are not compared with its own."""
    trouble: str = ""
    """Why trials are not kept any more; empty while they are."""

    @property
    def name(self) -> str:
        """Of the study."""
        return str(self.opened.study.study_name)

    @property
    def earlier(self) -> tuple[TrialReport, ...]:
        """What the searches before measured here and under these versions, in their order; the rest is left out."""
        reports = (_read(one.user_attrs[TRIAL]) for one in self._kept() if self._is_own(one))
        return tuple(one for one in reports if one is not None)

    def _is_own(self, one: optuna.trial.FrozenTrial) -> bool:
        return machine_of(one)[0] == self.machine[0] and not _other_versions(one)

    def _kept(self) -> list[optuna.trial.FrozenTrial]:
        with explained(self.where), quiet():
            return [one for one in self.opened.study.get_trials(deepcopy=False) if TRIAL in one.user_attrs]

    def keep(self, trial: TrialReport, value: float, excess: float) -> None:
        """Write a trial that has ended; where the storage fails that is noted, and the search goes on.

        Parameters
        ----------
        trial : TrialReport
            Measured, rejected or failed.
        value : float
            What the objective gained, as the study's value.
        excess : float
            How far it is from what is allowed, as Optuna's constraint; 0 or less is within.
        """
        if self.trouble:
            return
        try:
            with explained(self.where, (OSError,)), quiet():
                self.opened.study.add_trial(_frozen(trial, value, excess, self.machine))
        except StudyError as error:
            self.trouble = str(error)

    def note(self, earlier: int) -> StudyNote:
        """Return what a report tells of it; ``earlier`` trials were taken over."""
        others: list[optuna.trial.FrozenTrial] = []
        if not self.trouble:
            try:
                others = [one for one in self._kept() if not self._is_own(one)]
            except StudyError as error:
                self.trouble = str(error)
        # torch's version is part of a machine's fingerprint, and no part of its description
        outdated = [one for one in others if machine_of(one)[1] == self.machine[1] and _other_versions(one)]
        under = sorted({" and ".join(_other_versions(one)) for one in outdated})
        return StudyNote(
            self.name,
            self.where.shown,
            earlier,
            self.trouble,
            elsewhere=len(others) - len(outdated),
            outdated=len(outdated),
            versions="; ".join(under),
        )

    def end(self) -> None:
        """Note that the search came to its end on this machine: the next one begins anew."""
        if self.trouble:
            return
        try:
            with explained(self.where, (OSError,)), quiet():
                self.opened.study.set_user_attr(f"{ENDED}:{self.machine[0]}", value=True)
        except StudyError as error:
            self.trouble = str(error)


def _frozen(trial: TrialReport, value: float, excess: float, machine: tuple[str, str]) -> optuna.trial.FrozenTrial:
    import optuna
    from optuna.trial import TrialState

    failed = trial.comparison is None
    return optuna.trial.create_trial(
        state=TrialState.FAIL if failed else TrialState.COMPLETE,
        value=None if failed else value,
        constraints=None if failed else {"what is allowed": excess},
        user_attrs={
            RECIPE: trial.recipe.title,
            REASON: trial.reason or "no reason is known",
            SECONDS: trial.wall_s,
            MACHINE: list(machine),
            VERSIONS: versions(),
            TRIAL: _REPORT.dump_json(trial).decode(),
        },
    )


def _other_versions(one: optuna.trial.FrozenTrial) -> list[str]:
    """Return in words the versions under which a trial was measured, as far as they are others than here."""
    known, here = one.user_attrs.get(VERSIONS), versions()
    known = known if isinstance(known, dict) else {}
    return [f"{name} {known[name]}" for name, now in here.items() if known.get(name, now) != now]


def _read(text: Any) -> TrialReport | None:
    try:
        return _REPORT.validate_json(text)
    except (ValidationError, TypeError):
        return None


def identity_of(workload: Workload, verb: str, goal: Sequence[str], about: Mapping[str, Any]) -> Identity:
    """Return what a search is a search of: the model's code and weights, what it is called with, and what judges it.

    Parameters
    ----------
    workload : Workload
        What is optimized.
    verb : str
        Who searches.
    goal : sequence of str
        The objective and the constraints, in words.
    about : mapping
        What else has to be the same, by name: what may be tried.
    """
    read = {
        "the model": workload.model,
        "the model's class": type(workload.model),
        "inputs": [workload.example.args, workload.example.kwargs],
        "data": [[call.args, call.kwargs] for call in workload.samples],
        "evaluate": workload.evaluate,
        "loss": workload.training and workload.training.loss,
        "finetune": workload.training and workload.training.finetune,
        **about,
    }
    return Identity(verb, workload.name, parts_of(read), tuple(goal))


def open_log(
    where: StorageUrl, name: str | None, identity: Identity, resume: bool | None, machine: tuple[str, str]
) -> TrialLog:
    """Return the study in which a search keeps its trials.

    Without a name it is that of the last search of the same that was cut off on this machine, else a new one; with
    ``resume`` the last one in any case. One that is named may hold the trials of several machines.

    Raises
    ------
    InvalidArgument
        When the study of this name is one of something else, or there is none to go on with.
    StudyError
        When the storage fails.
    """
    storage = open_storage(where)
    if name is not None:
        return TrialLog(open_study(storage, where, name, ["maximize"], identity, resume=resume), where, machine)
    same = {**identity.parts, " goal": " ".join(identity.goal), " machine": machine[0]}
    own = f"{identity.subject}-{digest_of(same)}"
    with explained(where), quiet():
        import optuna

        known = {one.study_name: one for one in optuna.get_all_study_summaries(storage, include_best_trial=False)}
    number = 1
    while _numbered(own, number + 1) in known:
        number += 1
    last = known.get(_numbered(own, number))
    if last is not None and last.user_attrs.get(f"{ENDED}:{machine[0]}") and not resume:
        number += 1
    opened = open_study(storage, where, _numbered(own, number), ["maximize"], identity, resume=resume or None)
    return TrialLog(opened, where, machine)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"
