"""Try recipes in their order, in isolation, within the budget; confirm the best."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tauto.config import rounded_up, time_in_words, written
from tauto.errors import RecipeError, TrialFailed
from tauto.events import Progress, check_stop, emit
from tauto.recipes import Recipe
from tauto.reports import Comparison, DropConfidence, Standing, TrialReport, TuningReport, UnderWay
from tauto.tuning.allowance import CONFIRM_SHARE, Allowance
from tauto.tuning.bench import Attempt, Bench
from tauto.tuning.budget import Budget
from tauto.tuning.candidate import Candidate
from tauto.tuning.candidates import Candidates
from tauto.tuning.confidence import confidence_of
from tauto.tuning.misses import Misses
from tauto.tuning.objective import Goal
from tauto.tuning.side_by_side import SideBySide
from tauto.tuning.space import Space
from tauto.tuning.target import Target
from tauto.tuning.watched import Tick

if TYPE_CHECKING:
    from tauto.tuning.trial_log import TrialLog

__all__ = ["Search"]

MIN_TRIAL_S = 1.0
"""A trial with less time than this is not begun."""
GONE_ON = "Measured by the search that this one goes on with."
MADE_AGAIN = "Made and measured again: it was the best of the search that this one goes on with."
NO_TIME = "the budget left no time to try it"
EARLY_MARGIN = 0.9
"""A candidate whose early samples are clearly below this share of the best so far is given up."""


@dataclass(slots=True)
class Search:
    """One search over recipes.

    Parameters
    ----------
    bench : Bench
        Where candidates are tried.
    budget : Budget
        Hard limit of time.
    goal : Goal
        What counts as an improvement.
    task : str
        The verb, for the progress shown.
    stop_at : Target or None
        Good enough: an improvement that reaches it ends the search.
    most_trials : int or None
        As many candidates are tried at most.
    log : TrialLog or None
        Where trials are kept as they end; those that it holds already are not made again.
    workers : int
        How many candidates are prepared and judged at once; each is timed alone.

    Attributes
    ----------
    winner : int or None
        Number of the confirmed trial.
    confirmed : Comparison or None
        The winner against the original, in a fresh process that loaded it from its files.
    interrupted : bool
        Whether the user stopped it.
    ended : str
        Why it ended before all was tried; empty when all was.
    candidates : Candidates
        What was tried, and what is left.
    head : callable or None
        Returns what is searched, as a report without trials, for those who watch.
    """

    bench: Bench
    budget: Budget
    goal: Goal = field(default_factory=Goal)
    task: str = "autotune"
    stop_at: Target | None = None
    most_trials: int | None = None
    log: TrialLog | None = None
    workers: int = 1
    winner: int | None = None
    confirmed: Comparison | None = None
    interrupted: bool = False
    ended: str = ""
    head: Callable[[], TuningReport] | None = None
    _under_way: tuple[UnderWay, ...] = ()
    candidates: Candidates = field(init=False)

    def __post_init__(self) -> None:
        self.candidates = Candidates(self.goal)

    def run(self, space: Space) -> None:
        """Try the recipes of ``space`` in their order and what follows from them, then confirm.

        After an interrupt the best so far is still confirmed, quickly; a second one ends it.
        """
        self._go_on()
        self.candidates.list_recipes(space)
        for stage in (self._try_all, self._confirm_best):
            try:
                stage()
            except KeyboardInterrupt:
                self.interrupted = True
                self.budget.cut_to(10.0 + self.allowance.confirming_s)
                with suppress(KeyboardInterrupt):
                    self._confirm_best()
                break
        self._explain_others()
        if self.log is not None and not self.interrupted:
            self.log.end()

    def _go_on(self) -> None:
        """Take over what an earlier search of the same measured."""
        for told in self.log.earlier if self.log is not None else ():
            try:
                recipe = Recipe.from_report(told.recipe)
            except RecipeError:  # a technique that is not registered here
                continue
            if any(item.recipe == recipe for item in self.candidates.tried) or told.stopped_after_s is not None:
                continue  # what was stopped may have more time now
            failed = told.status == "failed"
            attempt = Attempt(
                0.0,
                comparison=told.comparison,
                failure=told.reason if failed else None,
                rejected=told.reason if not failed and told.comparison is None else None,
                preparation_s=told.preparation_s,
            )
            notes = (GONE_ON, *(note for note in told.notes if note not in {GONE_ON, MADE_AGAIN}))
            report = replace(told, number=len(self.candidates), notes=notes, wall_s=0.0)
            self.candidates.tried.append(self._judged(Candidate(report, recipe, attempt, prepared=False)))

    @property
    def taken_over(self) -> int:
        """How many trials an earlier search had made."""
        return sum(not item.prepared for item in self.candidates.tried)

    @property
    def trials(self) -> tuple[TrialReport, ...]:
        """The trials so far, in order."""
        return self.candidates.reports

    @property
    def recipe(self) -> Recipe | None:
        """The winner's recipe."""
        return None if self.winner is None else self.candidates.tried[self.winner].recipe

    @property
    def allowance(self) -> Allowance:
        """The time that each part may take; known once the original is measured."""
        return Allowance(self.budget, self.bench.baseline, self.candidates)

    def _try_all(self) -> None:
        with SideBySide(self.bench, self.workers, lambda: self._tell(beside.recipes)) as beside:
            while True:
                why = self._begin(beside)
                if not beside.recipes:
                    break
                for recipe, attempt in beside.ended():
                    self.candidates.tried.append(self._reported(len(self.candidates), recipe, attempt))
                    self._keep(self.candidates.tried[-1])
                    if not self.candidates.tried[-1].improves:
                        kept = [item.recipe for item in self.candidates.improving()]
                        self.bench.discard(recipe, [*kept, *beside.recipes])
        self._skip_rest(why)

    def _begin(self, beside: SideBySide) -> str:
        """Try what there is room for; return why no more is, empty where nothing is left."""
        while beside.has_room and (recipe := self.candidates.next_recipe(beside.recipes)) is not None:
            number = len(self.candidates) + len(beside.recipes)
            self.budget.reserve_s = self.allowance.reserve_s(number)
            limit = self.budget.left_for_trials_s
            if why := self._enough(number, limit):
                return why
            if why := self.candidates.foreseen(recipe):
                self.candidates.skip(recipe, why)
                continue
            if why := self.allowance.hopeless(limit):
                self.candidates.skip(recipe, why, cut_off=True)
                continue
            self._tell([*beside.recipes, recipe])
            beside.begin(recipe, self._trying(recipe, self.allowance.trial_s(number, limit)))
        return ""

    def _keep(self, item: Candidate) -> None:
        if self.log is not None:
            compared = item.report.comparison
            gain = self.goal.gain(compared) if compared is not None else 0.0
            self.log.keep(item.report, gain if math.isfinite(gain) else 0.0, self.goal.excess(item.report))

    def _enough(self, number: int, limit_s: float) -> str:
        """Return why no more is tried; empty when the next is."""
        if limit_s < MIN_TRIAL_S:
            return NO_TIME
        if self.most_trials is not None and number >= self.most_trials:
            return f"the budget was {self.most_trials} trial{'' if self.most_trials == 1 else 's'}"
        best = self.candidates.best
        if best is not None and self.candidates.space.expected:
            return f"of what holds the quality the rules expect most of {best.recipe.title} there"
        if self.stop_at is not None and best is not None and self.stop_at.kept(best.comparison):
            return f"{best.recipe.title} was good enough: {self.stop_at.figure(best.comparison)} for {self.stop_at}"
        return ""

    def _trying(self, recipe: Recipe, limit_s: float) -> Callable[[Tick], Attempt]:
        """Return what tries ``recipe``, as things stand now."""
        best = self.candidates.best
        # a candidate clearly slower than the best so far cannot win; the best itself was at least the original
        bar = EARLY_MARGIN * (best.report.comparison.speedup if best and best.report.comparison else 1.0)

        def attempt(tick: Tick) -> Attempt:
            try:
                return self.bench.attempt(
                    recipe,
                    wall_limit_s=limit_s,
                    time_cap_s=self.allowance.timing_s,
                    give_up_below=bar if self.goal.only_speed_counts else None,
                    with_memory=self.goal.needs_memory,
                    tick=tick,
                )
            except (TrialFailed, OSError) as error:  # no process or no disk: what was found so far stays
                return Attempt(0.0, failure=str(error))

        return attempt

    def _reported(self, number: int, recipe: Recipe, attempt: Attempt) -> Candidate:
        self.budget.spent(attempt.wall_s / self.workers)
        if attempt.stopped_after_s is not None:
            after = time_in_words(attempt.stopped_after_s)
            attempt = replace(attempt, failure=f"stopped after {after}; {self.more_time}")
        report = TrialReport(
            number=number,
            recipe=recipe.report(),
            status="failed",
            reason=attempt.failure or "",
            comparison=attempt.comparison,
            preparation_s=attempt.preparation_s,
            wall_s=attempt.wall_s,
            overhead_s=attempt.overhead_s,
            output_tail=attempt.output_tail if attempt.failure else "",
            notes=(
                *([f"Tried early: {why}."] if (why := self.candidates.space.notes.get(recipe.digest)) else []),
                *attempt.notes,
            ),
            agreement=attempt.agreement,
            stopped_after_s=attempt.stopped_after_s,
        )
        return self._judged(Candidate(report, recipe, attempt, cut_off=attempt.cut_off))

    def _judged(self, candidate: Candidate) -> Candidate:
        attempt = candidate.attempt
        if attempt.rejected:
            candidate.report = replace(candidate.report, status="rejected", reason=attempt.rejected)
        elif attempt.comparison is not None:
            decision = self.goal.decide(attempt.comparison)
            candidate.improves = decision.improves
            candidate.report = replace(candidate.report, status="rejected", reason=_told(attempt, decision.reason))
        return candidate

    def _skip_rest(self, reason: str) -> None:
        """Note what will not be tried: what cannot win, and for ``reason`` what might have."""
        listed = [(recipe, "") for recipe in self.candidates.left()]
        begun = (Candidate.skipped(0, recipe, "").report for recipe, _ in listed)
        left = [*listed, *self.candidates.space.rest((*self.trials, *begun))]
        for recipe, hopeless in left:
            self.candidates.skip(recipe, hopeless or reason, cut_off=reason == NO_TIME)
        if left:
            self.ended = reason or "nothing that was left could beat the best by more than its interval"
            if reason == NO_TIME:
                self.ended = "the rest of the budget is for confirming and loading the best"

    @property
    def misses(self) -> Misses:
        """What came nearest to what was asked."""
        return Misses(self.goal, self.candidates.tried)

    @property
    def confidence(self) -> tuple[DropConfidence, ...]:
        """How sure the drops are of the winner, or else of what came nearest; empty when no metric was judged."""
        proof = self.confirmed
        measured = self.candidates.measured
        lost = [item for item in measured if item.comparison.quality_held is False]
        if proof is None and lost:
            proof = self.misses.nearest_of(lost).comparison
        elif proof is None and measured and self.bench.baseline.moved:  # nobody lost, but by figures that move
            proof = measured[0].comparison
        return confidence_of(proof.quality, self.bench.baseline) if proof is not None else ()

    def _confirm_best(self) -> None:
        """Confirm the best in a fresh process; where it does not hold there, the next best."""
        while best := self.candidates.best:
            left = self.budget.left_s
            if left < MIN_TRIAL_S:
                best.reject("it looked better, but the budget left no time to confirm it", cut_off=True)
                continue
            if not best.prepared:
                self._make_again(best, left)
                continue
            self._under_way = ()
            wait_s = min(left, self.allowance.confirming_s)
            self.tell(f"confirming {best.recipe.title} in a fresh process", 0.95, wait_s)
            attempt = self.bench.confirm(
                best.recipe, wall_limit_s=CONFIRM_SHARE * left, time_cap_s=self.allowance.timing_s, tried=best.attempt
            )
            problem = attempt.failure or attempt.rejected
            decision = self.goal.decide(attempt.comparison) if attempt.comparison else None
            if decision is None or not decision.improves:
                why = problem or (decision and decision.reason)
                best.reject(f"not confirmed in a fresh process: {why}", cut_off=attempt.cut_off)
                continue
            self.winner, self.confirmed = best.report.number, attempt.comparison
            best.report = replace(best.report, status="kept", reason=_told(best.attempt, decision.reason))
            return

    def _make_again(self, candidate: Candidate, left_s: float) -> None:
        """Prepare and measure once more what an earlier search found, since its files are gone."""
        number = candidate.report.number
        self.tell(f"making {candidate.recipe.title} again", 0.9, min(left_s, self.allowance.confirming_s))
        attempt = self._trying(candidate.recipe, (1 - CONFIRM_SHARE / 2) * left_s)
        fresh = self._reported(number, candidate.recipe, attempt(lambda: None))
        fresh.report = replace(fresh.report, notes=(MADE_AGAIN, *fresh.report.notes))
        self.candidates.tried[number] = fresh
        self._keep(fresh)

    def drop_winner(self, reason: str) -> None:
        """Give up the winner, for a ``reason`` that showed after the search."""
        if self.winner is not None:
            self.candidates.tried[self.winner].reject(reason)
        self.winner, self.confirmed = None, None

    def _explain_others(self) -> None:
        if self.interrupted:
            self._skip_rest("stopped before it was measured")
        if self.winner is None:
            return
        winner = self.candidates.tried[self.winner]
        for item in self.candidates.improving():
            if item is not winner:
                alike = self.candidates.space.prefers(item.recipe) == self.candidates.space.prefers(winner.recipe)
                reason = f"{item.report.reason}, but {winner.recipe.title} is {'better' if alike else 'preferred'}"
                item.report = replace(item.report, reason=reason)

    @property
    def more_time(self) -> str:
        """What to give so that a trial has twice the time, in words."""
        more = f"{written('budget', rounded_up(2 * self.budget.total_s))}, and it has twice that"
        return f"{self.kept_words}, best with {more}" if self.kept_words else f"give {more}"

    @property
    def kept_words(self) -> str:
        """That trainings can be gone on with; empty where none is kept."""
        kept = self.bench.trainings is not None and any(self.bench.trainings.rglob("*.pt"))
        return "what it trained is kept: give the same line again" if kept else ""

    def tell(self, message: str, done: float | None = None, left_s: float | None = None) -> None:
        """Tell whoever listens what happens now, and how the search stands."""
        emit(Progress(self.task, message, done, left_s, self._standing if self.head is not None else None))

    def _standing(self) -> Standing:
        assert self.head is not None
        best = self.candidates.best
        return Standing(self.head(), self.trials, self._under_way, best.report.number if best else None)

    def _tell(self, under_way: Sequence[Recipe]) -> None:
        check_stop()
        best, number = self.candidates.best, len(self.candidates)
        self._under_way = tuple(UnderWay(number + place, recipe.title) for place, recipe in enumerate(under_way))
        number += len(under_way) - 1
        so_far = f"; best so far {best.comparison.speedup:.2f}×" if best else ""
        listed, space = len(self.candidates.recipes), self.candidates.space
        adaptive = space.control or not space.follow
        hopeful = sum(not hopeless for _, hopeless in space.rest(self.trials))
        at_most = max(listed, number + hopeful)
        of = f" of at most {at_most}" if hopeful else f" of {listed}" if number < listed and adaptive else ""
        training, training_s = self.bench.training_of(under_way[0]) if len(under_way) == 1 else ("", None)
        training = f", {training}" if training else ""
        message = f"trial {number + 1}{of}: {', '.join(recipe.title for recipe in under_way)}{training}{so_far}"
        left = self.budget.seconds_left(at_most - number)
        if left is None and training_s is not None and at_most == number + 1:
            left = min(self.budget.left_s, training_s + self.allowance.timing_s)  # it is timed afterwards
        if left is None and space.follow:  # proposals go on until the budget ends, as a rule
            left = self.budget.left_s
        done = None if left is None else min(self.budget.elapsed_s / max(self.budget.elapsed_s + left, 1e-9), 0.99)
        self.tell(message, done, left)


def _told(attempt: Attempt, reason: str) -> str:
    return f"{attempt.summary}, {reason}" if attempt.summary else reason
