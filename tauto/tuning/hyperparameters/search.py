"""Searches for hyperparameters: asks a study what to try, runs it in a process of its own, tells what came of it.

What has ended stands in the storage before the next trial begins, so that this process may be killed at any instant.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.pruners import BasePruner, WilcoxonPruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from tauto.errors import StudyError, TrialFailed
from tauto.events import Progress, emit
from tauto.execution import Job, Workspace, executor, new_workspace
from tauto.hardware import Hardware
from tauto.reports import StudyReport, StudyTrial
from tauto.tuning.hyperparameters import account
from tauto.tuning.hyperparameters.answers import TrialAnswers
from tauto.tuning.hyperparameters.clock import SearchClock, busy_s
from tauto.tuning.hyperparameters.conversation import End, converse
from tauto.tuning.hyperparameters.goal import Goal, Settled
from tauto.tuning.hyperparameters.sampling import STARTED, pruner_of, sampler_of
from tauto.tuning.hyperparameters.subject import Subject
from tauto.tuning.study import (
    Identity,
    Opened,
    StorageUrl,
    explained,
    give_back,
    mark_owner,
    open_storage,
    open_study,
    quiet,
    retry_interrupted,
)

__all__ = ["Search", "SearchPlan"]

ALIKE = 5
"""So many failures of one kind, and no trial that worked: the search ends."""
_NEEDED = ("torch._dynamo", "tauto.tuning.hyperparameters.trial")
"""Imported once for all trials. Torch's own is what the first step of any optimizer imports, a second or two."""
_TOLD_EVERY_S = 0.25
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """What is searched, and how far.

    Parameters
    ----------
    subject, goal : Subject, Goal
        What is tuned, and for what.
    where, name : StorageUrl, str
        The storage, and the study in it.
    sampler, pruner : str or Optuna's own
        As :mod:`tauto.tuning.hyperparameters.sampling` knows them.
    seeds, seed : int
        How many random seeds each trial is run under, from the first one on.
    budget_s, wanted : float or None, int or None
        Seconds, and trials, that the study may take in all; None for no limit.
    trial_limit_s : float, optional
        Seconds that one run of the objective may take.
    resume : bool, optional
        As :func:`~tauto.tuning.study.open_study` takes it.
    first : sequence of mappings
        Parameters that are tried first in a new study.
    """

    subject: Subject
    goal: Goal
    where: StorageUrl
    name: str
    sampler: str | BaseSampler = "tpe"
    pruner: str | BasePruner | None = None
    seeds: int = 1
    seed: int = 0
    budget_s: float | None = None
    wanted: int | None = None
    trial_limit_s: float | None = None
    resume: bool | None = None
    first: Sequence[Mapping[str, Any]] = ()


class Search:
    """One search; :meth:`run` it once."""

    def __init__(self, plan: SearchPlan) -> None:
        self._plan = plan
        self._pruner = pruner_of(plan.pruner, plan.seeds)
        self._began = time.monotonic()
        self._trials: list[FrozenTrial] = []
        self._lost: StudyTrial | None = None
        self._notes: dict[str, None] = {}
        self._stopped, self._interrupted = "", False
        self._earlier = self._begun_at = 0
        self._preloaded = False

    def run(self) -> StudyReport:
        """Search until the end that the plan says, and return what was found; a Ctrl-C is an end, too.

        Raises
        ------
        NotTransferable
            When something that the objective reads cannot be sent to another process.
        InvalidArgument
            When the study is one of something else.
        StudyError
            When the storage fails before anything was tried.
        """
        plan = self._plan
        workspace = new_workspace()
        try:
            payload = workspace.path / "objective.pt"
            plan.subject.save(payload)
            self._start(workspace)
            opened = self._open()
            try:
                with quiet(), explained(plan.where):
                    self._search(opened, payload, workspace)
            except StudyError as error:
                if not any(one.state in _FINISHED for one in self._trials):
                    raise
                self._stopped = f"the storage failed: {error}"
            return self._report(opened)
        finally:
            workspace.close()

    def _start(self, workspace: Workspace) -> None:
        """Wait until trials can start: the first of a session waits for imports, which are no part of a trial."""
        self._emit("starting", None, None)
        executor().preload(_NEEDED)
        outcome = executor().run(Job("os:getpid", {}, workspace.folder("first")))
        if outcome.failure is not None:
            raise TrialFailed(f"No process could be started for a trial: it {outcome.failure.reason}.")

    def _open(self) -> Opened:
        plan = self._plan
        identity = Identity("tune", plan.subject.title, plan.subject.parts, plan.goal.words, plan.subject.origin)
        storage = open_storage(plan.where)
        opened = open_study(
            storage,
            plan.where,
            plan.name,
            plan.goal.directions,
            identity,
            resume=plan.resume,
            pruner=self._pruner,
        )
        with explained(plan.where), quiet():
            study = opened.study
            self._trials = study.get_trials(deepcopy=False)
            # who goes on would draw the values again that were drawn before
            here = () if opened.created else (len(self._trials), os.getpid())
            study.sampler = sampler_of(plan.sampler, plan.seed, here)
            for params in plan.first if opened.created else ():
                study.enqueue_trial(dict(params), skip_if_exists=True)
        self._earlier = sum(_counts(one) for one in self._trials)
        self._begun_at = len(self._trials)
        return opened

    def _search(self, opened: Opened, payload: Path, workspace: Workspace) -> None:
        plan, study = self._plan, opened.study
        clock = self._clock = SearchClock(plan.budget_s, busy_s(self._trials), plan.trial_limit_s)
        while True:
            retry_interrupted(study, opened.storage)
            self._trials = study.get_trials(deepcopy=False)
            clock.slowest_s = max(
                (_seconds(one) for one in self._trials if one.state == TrialState.COMPLETE), default=0
            )
            if stopped := self._end():
                self._stopped = stopped
                return
            trial = study.ask()
            try:
                mark_owner(trial)
                self._run(opened, trial, payload, workspace)
            except KeyboardInterrupt:
                with suppress(StorageInternalError, SQLAlchemyError):
                    give_back(study, opened.storage, _frozen(opened, trial), "was stopped by hand")
                    self._trials = study.get_trials(deepcopy=False)
                self._stopped, self._interrupted = "it was stopped by hand", True
                return

    def _end(self) -> str:
        """Return why the search is over; empty while it is not."""
        plan, clock = self._plan, self._clock
        ended = sum(map(self._is_of_use, self._trials))
        if plan.wanted is not None and ended >= plan.wanted:
            return f"all {plan.wanted:,} trials that were asked for have ended"
        if clock.left_s <= 0:
            return "the time was up"
        own = self._trials[self._begun_at :]
        failed = [one for one in own[::-1] if one.state == TrialState.FAIL and _counts(one)]
        worked = any(one.state in (TrialState.COMPLETE, TrialState.PRUNED) for one in self._trials)
        last = [_alike(one.user_attrs[account.REASON]) for one in failed[:ALIKE]]
        if not worked and len(last) == ALIKE and len(set(last)) == 1:
            return f"the first {ALIKE} trials all failed alike: each {failed[0].user_attrs[account.REASON]}"
        return ""

    def _is_of_use(self, one: FrozenTrial) -> bool:
        """Whether a trial is one of those asked for: what failed before may have been mended since."""
        return _counts(one) and (one.state != TrialState.FAIL or one.number >= self._begun_at)

    def _run(self, opened: Opened, trial: Trial, payload: Path, workspace: Workspace) -> None:
        """Run one trial, under each seed, and tell the study what came of it."""
        plan = self._plan
        by_seeds = isinstance(self._pruner, WilcoxonPruner) and plan.seeds > 1
        one_goal = len(plan.goal.objectives) == 1
        finished = sum(one.state in (TrialState.COMPLETE, TrialState.PRUNED) for one in self._trials)
        trial.set_user_attr(account.RANDOM, plan.sampler == "random" or (plan.sampler == "tpe" and finished < STARTED))
        rows: list[Settled] = []
        seconds = 0.0
        for place in range(plan.seeds):
            answers = TrialAnswers(
                trial, opened.storage, lambda: self._tell(trial), may_stop=one_goal and not by_seeds and place == 0
            )
            end = converse(payload, plan.subject.title, plan.seed + place, workspace, answers, self._clock.limit_s)
            seconds += end.seconds
            self._note(end, trial)
            if end.stopped_early:
                return self._tell_end(opened, trial, TrialState.PRUNED, seconds)
            settled = Settled(why_not=end.failed) if end.failed else plan.goal.settle(end.returned)
            if settled.why_not:
                if end.kind == "timed_out" and self._clock.cut_by_budget:
                    return give_back(opened.study, opened.storage, _frozen(opened, trial), "the time was up")
                under = f" (under seed {plan.seed + place})" if plan.seeds > 1 else ""
                return self._tell_end(opened, trial, TrialState.FAIL, seconds, reason=settled.why_not + under)
            rows.append(settled)
            if by_seeds and one_goal:
                trial.report(settled.values[0], place)
                if place + 1 < plan.seeds and trial.should_prune():
                    return self._tell_end(opened, trial, TrialState.PRUNED, seconds, rows)
        return self._tell_end(opened, trial, TrialState.COMPLETE, seconds, rows)

    def _tell_end(
        self,
        opened: Opened,
        trial: Trial,
        state: TrialState,
        seconds: float,
        rows: Sequence[Settled] = (),
        reason: str = "",
    ) -> None:
        """Write down what came of a trial; its state last, so that a trial that has ended is whole."""
        goal = self._plan.goal
        figures = {name: fmean(dict(row.figures)[name] for row in rows) for name, _ in rows[0].figures} if rows else {}
        values = [fmean(row.values[place] for row in rows) for place in range(len(goal.objectives))] if rows else []
        by_seed = [row.values[0] for row in rows] if len(rows) > 1 else []
        complete = state == TrialState.COMPLETE
        self._lost = StudyTrial(
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
        opened.study.tell(trial, values if complete else None, state, skip_if_finished=True)
        self._lost = None

    def _note(self, end: End, trial: Trial) -> None:
        if end.printed_bytes:
            size = f"{end.printed_bytes / 1e6:,.0f} MB"
            self._notes[f"Trial {trial.number} printed over {size}; only the end of it was kept."] = None
        if end.libraries and not self._preloaded:
            self._preloaded = True
            executor().preload(end.libraries)

    def _tell(self, trial: Trial) -> None:
        if not self._clock.due(_TOLD_EVERY_S):
            return
        ended = sum(_counts(one) for one in self._trials)
        settings = ", ".join(f"{name} {_short(value)}" for name, value in list(trial.params.items())[:3])
        words = [f"trial {trial.number}" + (f" ({settings})" if settings else "")]
        trials = account.trials_of(self._trials, self._plan.goal)
        best, front, _ = account.choose(trials, self._plan.goal)
        if best is not None:
            words.append(f"best {next(one for one in trials if one.number == best).values[0]:.4g}")
        elif front:
            words.append(f"{len(front)} on the front")
        shares = [self._clock.share]
        left_s = self._clock.left_s
        if self._plan.wanted:
            shares.append(ended / self._plan.wanted)
            spent = [_seconds(one) for one in self._trials if _counts(one)]
            if spent:
                left_s = min(left_s, fmean(spent) * (self._plan.wanted - ended))
        self._emit(", ".join(words), min(max(shares), 0.99), None if math.isinf(left_s) else left_s)

    def _emit(self, message: str, done: float | None, left_s: float | None) -> None:
        emit(Progress("tune", message, done, left_s))

    def _report(self, opened: Opened) -> StudyReport:
        plan = self._plan
        with suppress(StorageInternalError, SQLAlchemyError), quiet():
            self._trials = opened.study.get_trials(deepcopy=False)
        trials = account.trials_of(self._trials, plan.goal)
        if self._lost is not None:
            trials = (*(one for one in trials if one.number != self._lost.number), self._lost)
            self._notes[f"Trial {self._lost.number} could not be written to the storage; it stands here alone."] = None
        best, front, nearest = account.choose(trials, plan.goal)
        hardware = Hardware.current("cpu")
        return StudyReport(
            name=plan.name,
            subject=plan.subject.title,
            storage=plan.where.shown,
            goals=account.goals_of(plan.goal),
            constraints=tuple(map(str, plan.goal.constraints)),
            knobs=account.knobs_of(opened.study, self._trials),
            importance_by=account.importance_by(),
            trials=trials,
            best=best,
            front=front,
            nearest=nearest,
            random_best=account.random_best(trials, plan.goal),
            stopped=self._stopped,
            earlier=self._earlier,
            sampler=plan.sampler if isinstance(plan.sampler, str) else type(plan.sampler).__name__,
            pruner=type(self._pruner).__name__.removesuffix("Pruner").lower(),
            seeds=plan.seeds,
            budget_s=plan.budget_s,
            wanted=plan.wanted,
            wall_s=time.monotonic() - self._began,
            notes=tuple(self._notes),
            machine=hardware.summary,
            fingerprint=hardware.fingerprint,
            interrupted=self._interrupted,
        )


def _counts(one: FrozenTrial) -> bool:
    """Whether a trial has ended by itself; one that was interrupted is made again."""
    if one.state == TrialState.FAIL:
        return account.REASON in one.user_attrs
    return one.state in (TrialState.COMPLETE, TrialState.PRUNED)


def _seconds(one: FrozenTrial) -> float:
    return float(one.user_attrs.get(account.SECONDS, 0.0))


def _alike(reason: str) -> str:
    """Return what failures of one kind have in common: the words, not the numbers."""
    return "".join(letter for letter in reason if not letter.isdigit())


def _frozen(opened: Opened, trial: Trial) -> FrozenTrial:
    return opened.storage.get_trial(trial._trial_id)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
