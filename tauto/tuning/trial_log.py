"""The trials of a search, kept in a study as they end: a search that was cut off goes on with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from tauto.errors import StudyError
from tauto.reports import StudyNote, TrialReport
from tauto.tuning.study import Identity, Opened, StorageUrl, digest_of, explained, open_storage, open_study, quiet
from tauto.tuning.study.digest import parts_of
from tauto.workload import Workload

if TYPE_CHECKING:
    import optuna

__all__ = ["TrialLog", "identity_of", "open_log"]

TRIAL = "tauto:trial"
"""Attribute of a trial: its whole report, as JSON."""
ENDED = "tauto:ended"
"""Attribute of a study: its search came to its end."""
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
    trouble: str = ""
    """Why trials are not kept any more; empty while they are."""

    @property
    def name(self) -> str:
        """Of the study."""
        return str(self.opened.study.study_name)

    @property
    def earlier(self) -> tuple[TrialReport, ...]:
        """What was measured by the searches before, in their order; what a storage holds otherwise is left out."""
        with explained(self.where), quiet():
            found = [one.user_attrs.get(TRIAL) for one in self.opened.study.get_trials(deepcopy=False)]
        reports = (_read(text) for text in found if text is not None)
        return tuple(one for one in reports if one is not None)

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
                self.opened.study.add_trial(_frozen(trial, value, excess))
        except StudyError as error:
            self.trouble = str(error)

    def note(self, earlier: int) -> StudyNote:
        """Return what a report tells of it; ``earlier`` trials were taken over."""
        return StudyNote(self.name, self.where.shown, earlier, self.trouble)

    def end(self) -> None:
        """Note that the search came to its end: the next one begins anew."""
        if self.trouble:
            return
        try:
            with explained(self.where, (OSError,)), quiet():
                self.opened.study.set_user_attr(ENDED, value=True)
        except StudyError as error:
            self.trouble = str(error)


def _frozen(trial: TrialReport, value: float, excess: float) -> optuna.trial.FrozenTrial:
    import optuna
    from optuna.trial import TrialState

    failed = trial.comparison is None
    return optuna.trial.create_trial(
        state=TrialState.FAIL if failed else TrialState.COMPLETE,
        value=None if failed else value,
        constraints=None if failed else {"excess": excess},
        user_attrs={"recipe": trial.recipe.title, "reason": trial.reason, TRIAL: _REPORT.dump_json(trial).decode()},
    )


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
        What else has to be the same, by name: the machine, what may be tried.
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


def open_log(where: StorageUrl, name: str | None, identity: Identity, resume: bool | None) -> TrialLog:
    """Return the study in which a search keeps its trials.

    Without a name it is that of the last search of the same that was cut off, else a new one; with ``resume`` the last
    one in any case.

    Raises
    ------
    InvalidArgument
        When the study of this name is one of something else, or there is none to go on with.
    StudyError
        When the storage fails.
    """
    storage = open_storage(where)
    if name is not None:
        return TrialLog(open_study(storage, where, name, ["maximize"], identity, resume=resume), where)
    own = f"{identity.subject}-{digest_of({**identity.parts, ' goal': ' '.join(identity.goal)})}"
    with explained(where), quiet():
        import optuna

        known = {one.study_name: one for one in optuna.get_all_study_summaries(storage, include_best_trial=False)}
    number = 1
    while _numbered(own, number + 1) in known:
        number += 1
    last = known.get(_numbered(own, number))
    if last is not None and last.user_attrs.get(ENDED) and not resume:
        number += 1
    return TrialLog(
        open_study(storage, where, _numbered(own, number), ["maximize"], identity, resume=resume or None), where
    )


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"
