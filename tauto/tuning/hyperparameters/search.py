"""Searches for hyperparameters: asks a study what to try, runs it in a process of its own, tells what came of it.

What has ended stands in the storage before the next trial begins, so that this process may be killed at any instant.
Several processes may work on one study: what is asked for counts over all of them.
"""

from __future__ import annotations

import math
import os
import queue
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from tauto.errors import StudyError, TrialFailed
from tauto.events import Progress, check_stop, emit
from tauto.execution import new_workspace
from tauto.hardware import Hardware
from tauto.interrupts import held_interrupts
from tauto.reports import Standing, StudyKnob, StudyReport, StudyTrial, UnderWay
from tauto.tuning.hyperparameters import account
from tauto.tuning.hyperparameters.clock import SearchClock, busy_s
from tauto.tuning.hyperparameters.failing import all_alike, failing_alike
from tauto.tuning.hyperparameters.goal import Goal
from tauto.tuning.hyperparameters.places import LocalPlaces, Place, Places
from tauto.tuning.hyperparameters.sampling import STARTED, pruner_of, sampler_of
from tauto.tuning.hyperparameters.subject import Subject
from tauto.tuning.hyperparameters.trial_run import Terms, TrialRun
from tauto.tuning.study import (
    DAMAGE,
    Identity,
    Opened,
    StorageUrl,
    at_work,
    close_storage,
    explained,
    give_back,
    is_own,
    is_under_way,
    mark_owner,
    one_at_a_time,
    open_storage,
    open_study,
    quiet,
    retry_interrupted,
    versions,
    working,
)
from tauto.tuning.study.identity import other_versions

__all__ = ["ASKED", "Search", "SearchPlan"]

BEGUN = "tauto:begun"
"""Attribute of a study: how many trials it had when the session began that is at work on it."""
ASKED = "tauto:asked"
"""Attribute of a study: how it is searched, for those that join."""
_TOLD_EVERY_S = 0.25
_ASK_AGAIN_S = 0.5
"""So often it is looked whether trials of other processes have ended, where these are the last."""
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
    places : Places
        Where trials run.
    joins : bool
        Whether it is a worker: how the study is searched is for others to say.
    own_budget_s : float, optional
        Seconds that this process may take, of the study's.
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
    places: Places = field(default_factory=LocalPlaces)
    joins: bool = False
    own_budget_s: float | None = None

    @property
    def asked(self) -> dict[str, Any]:
        """How the study is searched, as far as text can say, for those that join."""
        return {
            "trials": self.wanted,
            "budget_s": self.budget_s,
            "sampler": self.sampler if isinstance(self.sampler, str) else "tpe",
            "pruner": self.pruner if isinstance(self.pruner, str) else None,
            "seeds": self.seeds,
            "seed": self.seed,
            "trial_limit_s": self.trial_limit_s,
            "versions": versions(),
        }


class Search:
    """One search; :meth:`run` it once."""

    def __init__(self, plan: SearchPlan) -> None:
        self._plan = plan
        self._pruner = pruner_of(plan.pruner, plan.seeds)
        self._hardware = Hardware.current("cpu")
        self._began = time.monotonic()
        self._trials: list[FrozenTrial] = []
        self._running: list[TrialRun] = []
        self._ended: queue.SimpleQueue[TrialRun] = queue.SimpleQueue()
        self._own: dict[int, StudyTrial] = {}
        self._unwritten: set[int] = set()
        self._notes: dict[str, None] = {}
        self._printed: dict[int, int] = {}
        self._stopped, self._interrupted, self._broken = "", False, False
        self._stood: tuple[list[FrozenTrial], StudyReport] | None = None
        self._opened: Opened | None = None
        self._storage_failed = False
        self._earlier = self._begun_at = 0
        self._preloaded = self._claims_nothing = False

    def run(self) -> StudyReport:
        """Search until the end that the plan says, and return what was found; a Ctrl-C is an end, too.

        Raises
        ------
        NotTransferable
            When something that the objective reads cannot be sent to another process.
        InvalidArgument
            When the study is one of something else.
        TrialFailed
            When no process can be started for a trial.
        StudyError
            When the storage fails before anything was tried.
        """
        plan = self._plan
        workspace = new_workspace()
        try:
            payload = workspace.path / "objective.pt"
            plan.subject.save(payload)
            self._emit("starting", None, None)
            places = plan.places.open(payload, workspace)
            opened = self._opened = self._open()
            try:
                with quiet(), explained(plan.where), working() as self._session:
                    self._search(opened, places)
            except (StudyError, TrialFailed) as error:
                if not self._own and not any(one.state in _FINISHED for one in self._trials):
                    raise
                what = "the storage failed" if isinstance(error, StudyError) else "no more trials can be run here"
                self._stopped, self._broken = f"{what}: {error}", True
            return self._report(opened)
        finally:
            plan.places.close()
            workspace.close()
            if self._opened is not None:
                close_storage(self._opened.storage)

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
        with explained(plan.where, (OSError, *DAMAGE)), quiet(), one_at_a_time(plan.where, storage, plan.name):
            study = opened.study
            self._trials = study.get_trials(deepcopy=False)
            # who goes on would draw the values again that were drawn before
            here = () if opened.created else (len(self._trials), os.getpid())
            study.sampler = sampler_of(plan.sampler, plan.seed, here)
            for params in plan.first if opened.created else ():
                study.enqueue_trial(dict(params), skip_if_exists=True)
            if not plan.joins:
                study.set_user_attr(ASKED, plan.asked)
                if not any(map(at_work, self._trials)):
                    study.set_user_attr(BEGUN, len(self._trials))
        self._earlier = sum(_counts(one) for one in self._trials)
        if self._earlier and opened.begun is not None and (other := other_versions(opened.begun.versions)):
            told = f"The study was begun with {'; '.join(other)}"
            self._emit(told, None, None)
            self._notes[f"{told}: its earlier trials may differ from new ones for that alone."] = None
            if any(word.startswith("Python ") for word in other):  # bytecode is compared under one version only
                self._notes["Whether its code is still the same cannot be told between two versions of Python."] = None
        return opened

    def _search(self, opened: Opened, places: Sequence[Place]) -> None:
        plan = self._plan
        self._clock = SearchClock(*self._time(), plan.trial_limit_s)
        terms = Terms(
            opened, plan.where, plan.goal, plan.subject.title, plan.seeds, plan.seed, self._pruner, self._clock
        )
        free = list(places)
        try:
            while True:
                while free and not self._stopped and (trial := self._claimed(opened)) is not None:
                    self._running.append(TrialRun(terms, trial, free.pop(0), self._ended.put))
                    self._running[-1].start()
                if self._stopped and not self._running:
                    return
                free += [run.place for run in self._heard(_ASK_AGAIN_S if free else _TOLD_EVERY_S)]
                self._tell()
                check_stop()
        except KeyboardInterrupt:
            self._stopped, self._interrupted = "it was stopped by hand", True
        except StudyError:
            self._storage_failed = True
            raise
        finally:
            with held_interrupts():
                self._give_up(opened)

    def _give_up(self, opened: Opened) -> None:
        """End what still runs: it is put back, for the next who works on the study."""
        left, self._running = self._running, []
        for run in left:
            run.stop()
            self._take_down(run)
        if self._storage_failed:  # whoever goes on finds that nobody runs them any more
            return
        with suppress(StorageInternalError, SQLAlchemyError):
            for run in left:
                give_back(opened.study, opened.storage, opened.storage.get_trial(run.trial._trial_id), "was stopped")

    def _time(self) -> tuple[float | None, float]:
        """Return how many seconds there are, and how many of them are spent."""
        plan, spent_s = self._plan, busy_s(self._trials)
        if plan.own_budget_s is not None and (plan.budget_s is None or plan.own_budget_s < plan.budget_s - spent_s):
            return plan.own_budget_s, 0.0
        return plan.budget_s, spent_s

    def _claimed(self, opened: Opened) -> Trial | None:
        """Return the next trial for this process; None where the search is over, or the last are under way."""
        plan, study = self._plan, opened.study
        with explained(plan.where):
            study.get_trials(deepcopy=False)  # what has ended is then known, and is not read while others wait
        with explained(plan.where, (OSError,)), one_at_a_time(plan.where, opened.storage, plan.name):
            retry_interrupted(study, opened.storage)
            self._trials = study.get_trials(deepcopy=False)
            self._begun_at = int(study.user_attrs.get(BEGUN, 0))
            self._clock.slowest_s = max(
                (_seconds(one) for one in self._trials if one.state == TrialState.COMPLETE), default=0
            )
            if stopped := self._end():
                self._stopped = stopped
                return None
            under_way = sum(map(is_under_way, self._trials))
            self._claims_nothing = plan.wanted is not None and self._of_use + under_way >= plan.wanted
            if self._claims_nothing:
                return None
            trial = study.ask()
            mark_owner(trial, opened.storage, self._hardware, self._session)
        finished = sum(one.state in (TrialState.COMPLETE, TrialState.PRUNED) for one in self._trials)
        if plan.sampler == "random" or (plan.sampler == "tpe" and finished < STARTED):
            trial.set_user_attr(account.RANDOM, value=True)
        return trial

    @property
    def _of_use(self) -> int:
        """How many trials count of those asked for: what failed before may have been mended since."""
        return sum(
            _counts(one) and (one.state != TrialState.FAIL or one.number >= self._begun_at) for one in self._trials
        )

    def _end(self) -> str:
        """Return why the search is over; empty while it is not."""
        since = self._trials[self._begun_at :]
        over = self._at_its_limit()
        if over and (why := all_alike(since)):
            return f"{over}: {why}"
        if over:
            return over
        # a process that has nothing that works, such as one without the data, is to leave the trials to others
        for group in (since, [one for one in since if is_own(one)]):
            if why := failing_alike(group):
                return why
        if any(_counts(one) and one.state != TrialState.FAIL and not one.params for one in since):
            return "the objective asks for no knob, so that all trials are the same: ask by tauto.suggest"
        return ""

    def _at_its_limit(self) -> str:
        plan = self._plan
        if plan.wanted is not None and self._of_use >= plan.wanted:
            return f"all {plan.wanted:,} trials that were asked for have ended"
        return "the time was up" if self._clock.left_s <= 0 else ""

    def _heard(self, wait_s: float) -> list[TrialRun]:
        """Return the trials that ended within ``wait_s`` seconds; what went wrong on this side of one is raised."""
        ended = list[TrialRun]()
        with suppress(queue.Empty):
            ended.append(self._ended.get(timeout=wait_s))
            while True:
                ended.append(self._ended.get_nowait())
        for run in ended:
            self._running.remove(run)
            self._take_down(run)
            if run.libraries and not self._preloaded:
                self._preloaded = True
                self._plan.places.preload(run.libraries)
        for run in ended:
            if run.error is not None:
                raise run.error
        return ended

    def _take_down(self, run: TrialRun) -> None:
        if run.printed_bytes:
            self._printed[run.trial.number] = run.printed_bytes
        if run.came is None:
            return
        self._own[run.trial.number] = run.came
        if not run.written:
            self._unwritten.add(run.trial.number)

    def _tell(self) -> None:
        if not self._clock.due(_TOLD_EVERY_S):
            return
        ended = sum(map(_counts, self._trials))
        words = [self._at_work()]
        found = self._stands
        if found.best is not None:
            words.append(f"best {found.trial(found.best).values[0]:.4g}")
        elif found.front:
            words.append(f"{len(found.front)} on the front")
        shares = [self._clock.share]
        left_s = self._clock.left_s
        if self._plan.wanted:
            shares.append(ended / self._plan.wanted)
            spent = [_seconds(one) for one in self._trials if _counts(one)]
            if spent:
                at_once = max(1, sum(map(is_under_way, self._trials)))
                left_s = min(left_s, fmean(spent) * (self._plan.wanted - ended) / at_once)
        self._emit(", ".join(words), min(max(shares), 0.99), None if math.isinf(left_s) else left_s)

    def _at_work(self) -> str:
        """Return what runs now, in words."""
        numbers = sorted(run.trial.number for run in self._running)
        if not numbers:
            return "waiting for the trials of others" if self._claims_nothing else "choosing the next"
        if len(numbers) > 1:
            return f"trials {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
        settings = _under_way(self._running[0]).title
        return f"trial {numbers[0]}" + (f" ({settings})" if settings else "")

    def _emit(self, message: str, done: float | None, left_s: float | None) -> None:
        emit(Progress("tune", message, done, left_s, self._standing))

    def _standing(self) -> Standing:
        head = self._stands
        under_way = tuple(map(_under_way, self._running))
        return Standing(
            replace(head, trials=(), wall_s=time.monotonic() - self._began), head.trials, under_way, head.best
        )

    @property
    def _stands(self) -> StudyReport:
        """The report as of the last time that the storage was read, without what takes long to compute."""
        if self._stood is None or self._stood[0] is not self._trials:
            trials = account.trials_of(self._trials, self._plan.goal)
            knobs = account.knobs_of(self._plan.goal, self._trials, weighed=False)
            self._stood = self._trials, self._report_of(trials, knobs)
        return self._stood[1]

    def _report(self, opened: Opened) -> StudyReport:
        plan = self._plan
        if not self._storage_failed:
            with suppress(StorageInternalError, SQLAlchemyError), quiet():
                self._trials = opened.study.get_trials(deepcopy=False)
        trials = account.trials_of(self._trials, plan.goal)
        if self._storage_failed:  # what was read last may be from before these ended
            ended = {one.number for one in trials if one.state not in ("running", "waiting")}
            own = {number: one for number, one in self._own.items() if number not in ended}
            trials = (*(one for one in trials if one.number not in own), *own.values())
            for number in self._unwritten:
                self._notes[f"Trial {number} could not be written to the storage; it stands here alone."] = None
        random_best = account.random_best(trials, plan.goal)
        return self._report_of(trials, account.knobs_of(plan.goal, self._trials), random_best)

    def _report_of(
        self, trials: tuple[StudyTrial, ...], knobs: tuple[StudyKnob, ...], random_best: tuple[float, ...] = ()
    ) -> StudyReport:
        plan = self._plan
        best, front, nearest = account.choose(trials, plan.goal)
        return StudyReport(
            name=plan.name,
            subject=plan.subject.title,
            storage=plan.where.shown,
            goals=account.goals_of(plan.goal),
            constraints=tuple(map(str, plan.goal.constraints)),
            knobs=knobs,
            importance_by=account.importance_by(),
            trials=trials,
            best=best,
            front=front,
            nearest=nearest,
            random_best=random_best,
            stopped=self._stopped,
            earlier=self._earlier,
            sampler=plan.sampler if isinstance(plan.sampler, str) else type(plan.sampler).__name__,
            pruner=type(self._pruner).__name__.removesuffix("Pruner").lower(),
            seeds=plan.seeds,
            budget_s=plan.budget_s,
            wanted=plan.wanted,
            wall_s=time.monotonic() - self._began,
            notes=(*self._notes, *account.talkative(self._printed), *plan.places.notes),
            machine=self._hardware.summary,
            machines=account.machines_of(self._trials),
            fingerprint=self._hardware.fingerprint,
            interrupted=self._interrupted,
            broken=self._broken,
        )


def _counts(one: FrozenTrial) -> bool:
    """Whether a trial has ended by itself; one that was interrupted is made again."""
    if one.state == TrialState.FAIL:
        return account.REASON in one.user_attrs
    return one.state in (TrialState.COMPLETE, TrialState.PRUNED)


def _seconds(one: FrozenTrial) -> float:
    return float(one.user_attrs.get(account.SECONDS, 0.0))


def _under_way(run: TrialRun) -> UnderWay:
    settings = (f"{name} {_short(value)}" for name, value in list(run.trial.params.items())[:3])
    return UnderWay(run.trial.number, ", ".join(settings))


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
