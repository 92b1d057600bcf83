"""One trial from first to last, beside others: its runs under each seed, and what the study is told of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from optuna.pruners import BasePruner, WilcoxonPruner
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, Trial, TrialState

from tauto.reports import StudyTrial
from tauto.tuning.hyperparameters import account
from tauto.tuning.hyperparameters.answers import TrialAnswers
from tauto.tuning.hyperparameters.clock import SearchClock
from tauto.tuning.hyperparameters.conversation import End
from tauto.tuning.hyperparameters.goal import Goal, Settled
from tauto.tuning.hyperparameters.places import Place
from tauto.tuning.study import MACHINE, Opened, explained, give_back

if TYPE_CHECKING:
    from tauto.tuning.study import StorageUrl

__all__ = ["Terms", "TrialRun"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the trials of a search have in common.

    Parameters
    ----------
    opened, where : Opened, StorageUrl
        The study, and the storage that it is in.
    goal : Goal
        What their figures are judged by.
    title : str
        What is tuned.
    seeds, seed : int
        How many random seeds each is run under, from the first one on.
    pruner : BasePruner
        What may stop them early.
    clock : SearchClock
        How long each may take.
    """

    opened: Opened
    where: StorageUrl
    goal: Goal
    title: str
    seeds: int
    seed: int
    pruner: BasePruner
    clock: SearchClock

    @property
    def one_goal(self) -> bool:
        """Whether there is a single figure to compare trials by."""
        return len(self.goal.objectives) == 1

    @property
    def by_seeds(self) -> bool:
        """Whether trials are stopped early by what they came to under the first seeds."""
        return isinstance(self.pruner, WilcoxonPruner) and self.seeds > 1


class _Stopped(BaseException):
    """The search gives this trial up."""


class TrialRun(threading.Thread):
    """Runs one trial at a place, in a thread of its own: :meth:`start` it, and hear of its end.

    Parameters
    ----------
    terms : Terms
        Of the search.
    trial : optuna.trial.Trial
        As the study asked for it.
    place : Place
        Free until it ends.
    ended : callable
        Is given this object at the end.

    Attributes
    ----------
    error : BaseException or None
        What went wrong on this side, such as a storage that fails.
    came : StudyTrial or None
        How it ended; None where it was given back.
    written : bool
        Whether that stands in the storage.
    printed_bytes : int
        What it printed under one seed at most, where that was so much that a report says so.
    libraries : list of str
        Modules that it had to import.
    """

    def __init__(self, terms: Terms, trial: Trial, place: Place, ended: Callable[[TrialRun], None]) -> None:
        super().__init__(name=f"tauto-trial-{trial.number}", daemon=True)
        self.trial, self.place = trial, place
        self.error: BaseException | None = None
        self.came: StudyTrial | None = None
        self.written = False
        self.printed_bytes = 0
        self.libraries: list[str] = []
        self._terms, self._told_end, self._stopped = terms, ended, threading.Event()

    def run(self) -> None:
        """Be the thread."""
        try:
            with explained(self._terms.where):
                self._run()
        except _Stopped:
            pass
        except BaseException as error:  # told in the search's own thread
            self.error = error
        self._told_end(self)

    def stop(self) -> None:
        """End its process, and wait for that."""
        self._stopped.set()
        self.join()

    def _look(self) -> None:
        if self._stopped.is_set():
            raise _Stopped

    def _run(self) -> None:
        terms, trial = self._terms, self.trial
        rows: list[Settled] = []
        seconds = 0.0
        for place in range(terms.seeds):
            self._look()
            may_stop = terms.one_goal and not terms.by_seeds and place == 0
            answers = TrialAnswers(trial, terms.opened.storage, self._look, may_stop=may_stop)
            limit = terms.clock.limit()
            end = self.place.converse(terms.title, terms.seed + place, answers, limit.seconds)
            seconds += end.seconds
            self._note(end)
            if end.machine is not None:
                trial.set_user_attr(MACHINE, list(end.machine))
            if end.stopped_early:
                return self._tell(TrialState.PRUNED, seconds)
            settled = Settled(why_not=end.failed) if end.failed else terms.goal.settle(end.returned)
            if settled.why_not:
                if end.kind == "timed_out" and limit.by_budget:
                    return self._give_back("the time was up")
                if end.kind == "lost" and RetryHeartbeatStaleTrialCallback.retried_trial_number(self._frozen) is None:
                    return self._give_back(f"the process {settled.why_not}")
                under = f" (under seed {terms.seed + place})" if terms.seeds > 1 else ""
                return self._tell(TrialState.FAIL, seconds, reason=settled.why_not + under)
            rows.append(settled)
            if terms.by_seeds and terms.one_goal:
                trial.report(settled.values[0], place)
                if place + 1 < terms.seeds and trial.should_prune():
                    return self._tell(TrialState.PRUNED, seconds, rows)
        return self._tell(TrialState.COMPLETE, seconds, rows)

    def _give_back(self, why: str) -> None:
        opened = self._terms.opened
        give_back(opened.study, opened.storage, self._frozen, why)

    @property
    def _frozen(self) -> FrozenTrial:
        return self._terms.opened.storage.get_trial(self.trial._trial_id)

    def _note(self, end: End) -> None:
        self.libraries += end.libraries
        self.printed_bytes = max(self.printed_bytes, end.printed_bytes)

    def _tell(self, state: TrialState, seconds: float, rows: Sequence[Settled] = (), reason: str = "") -> None:
        """Write down what came of it; its state last, so that a trial that has ended is whole."""
        goal, trial = self._terms.goal, self.trial
        figures = {name: fmean(dict(row.figures)[name] for row in rows) for name, _ in rows[0].figures} if rows else {}
        values = [fmean(row.values[place] for row in rows) for place in range(len(goal.objectives))] if rows else []
        by_seed = [row.values[0] for row in rows] if len(rows) > 1 else []
        complete = state == TrialState.COMPLETE
        self.came = StudyTrial(
            number=trial.number,
            state="complete" if complete else "stopped_early" if state == TrialState.PRUNED else "failed",
            params=dict(trial.params),
            values=tuple(values) if complete else (),
            figures=figures or None,
            over=goal.violations(figures) if figures and goal.constraints else None,
            by_seed=tuple(by_seed),
            reason=reason,
            seconds=seconds,
        )
        told = {account.SECONDS: seconds, account.REASON: reason, account.FIGURES: figures, account.BY_SEED: by_seed}
        for name, value in told.items():
            if value:
                trial.set_user_attr(name, value)
        for name, value in goal.violations(figures).items() if complete else ():
            trial.set_constraint(name, value)
        self._terms.opened.study.tell(trial, values if complete else None, state, skip_if_finished=True)
        self.written = True
