"""The first form of the autotuner: try the recipes in order, in isolation, within the budget; confirm the best."""

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
from tauto.tuning.bench import Attempt, Bench
from tauto.tuning.budget import Budget
from tauto.tuning.candidate import Candidate
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

CONFIRM_SHARE = 0.8
"""Share of the time left in which the winner is confirmed; the rest is for loading it."""
MIN_TRIAL_S = 1.0
"""A trial with less time than this is not begun."""
LEAST_LIMIT_S = 10.0
"""Beside three times the original's own run: what an engine's import, a preparation and a comparison take."""
TRIAL_SHARE = 0.4
"""Share of the time left that one trial of many may use, where that is more than the least that makes sense."""
CONTROLLED_SHARE = 0.6
"""The same, of the last that is listed, where quality control may have to follow."""
FIRST_SHARE = 0.6
"""Largest share of the time left for a trial while nothing was found: what it finds is still to be confirmed."""
LAST_SHARE = 0.8
"""The same for the last trial that could use the time: had it to end sooner, what is kept back would serve nobody."""
HOPELESS_SHARE = 0.5
"""Of what one took or was stopped after: with less than this, another of the same engine is not begun."""
LOADING_SHARE = 0.5
"""Of a preparation, at most, that loading what it made takes again."""
GONE_ON = "Measured by the search that this one goes on with."
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
    cut_off : bool
        Whether more time, or another run, would have it come further.
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
    cut_off: bool = False
    head: Callable[[], TuningReport] | None = None
    _under_way: tuple[UnderWay, ...] = ()
    _recipes: list[Recipe] = field(default_factory=list)
    _listed: int = 0
    _space: Space = field(default_factory=lambda: Space((), ()))
    _candidates: list[Candidate] = field(default_factory=list)

    def run(self, space: Space) -> None:
        """Try the recipes of ``space`` in their order and what follows from them, then confirm.

        After an interrupt the best so far is still confirmed, quickly; a second one ends it.
        """
        self._space = space
        self._go_on()
        done = {item.recipe.digest for item in self._candidates}
        self._recipes = [item.recipe for item in self._candidates]
        self._recipes += [recipe for recipe in space.recipes if recipe.digest not in done]
        self._listed = len(self._recipes)
        for stage in (self._try_all, self._confirm_best):
            try:
                stage()
            except KeyboardInterrupt:
                self.interrupted = True
                self.budget.cut_to(10.0 + self._confirm_cost_s())
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
            if any(item.recipe == recipe for item in self._candidates) or told.stopped_after_s is not None:
                continue  # what was stopped may have more time now
            failed = told.status == "failed"
            attempt = Attempt(
                0.0,
                comparison=told.comparison,
                failure=told.reason if failed else None,
                rejected=told.reason if not failed and told.comparison is None else None,
                preparation_s=told.preparation_s,
            )
            notes = (GONE_ON, *(note for note in told.notes if note != GONE_ON))
            report = replace(told, number=len(self._candidates), notes=notes, wall_s=0.0)
            self._candidates.append(self._judged(Candidate(report, recipe, attempt, prepared=False)))

    @property
    def taken_over(self) -> int:
        """How many trials an earlier search had made."""
        return sum(not item.prepared for item in self._candidates)

    @property
    def trials(self) -> tuple[TrialReport, ...]:
        """The trials so far, in order."""
        return tuple(candidate.report for candidate in self._candidates)

    @property
    def recipe(self) -> Recipe | None:
        """The winner's recipe."""
        return None if self.winner is None else self._candidates[self.winner].recipe

    def _try_all(self) -> None:
        with SideBySide(self.bench, self.workers, lambda: self._tell(beside.recipes)) as beside:
            while True:
                why = self._begin(beside)
                if not beside.recipes:
                    break
                for recipe, attempt in beside.ended():
                    self._candidates.append(self._reported(len(self._candidates), recipe, attempt))
                    self._keep(self._candidates[-1])
                    if not self._candidates[-1].improves:
                        self.bench.discard(recipe, [*(item.recipe for item in self._improving()), *beside.recipes])
        self._skip_rest(why)

    def _begin(self, beside: SideBySide) -> str:
        """Try what there is room for; return why no more is, empty where nothing is left."""
        while beside.has_room and (recipe := self._next(beside.recipes)) is not None:
            number = len(self._candidates) + len(beside.recipes)
            self.budget.reserve_s = self._reserve_s(last=self._is_last(number))
            limit = self.budget.left_for_trials_s
            if why := self._enough(number, limit):
                return why
            foreseen = self._foreseen(recipe)
            if why := foreseen or self._hopeless(limit):
                self.cut_off |= not foreseen
                self._candidates.append(Candidate.skipped(len(self._candidates), recipe, why))
                continue
            self._tell([*beside.recipes, recipe])
            beside.begin(recipe, self._trying(recipe, min(limit, self._most_s(number, limit))))
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
        best = self._best()
        if best is not None and self._space.expected:
            return f"of what holds the quality the rules expect most of {best.recipe.title} there"
        if self.stop_at is not None and best is not None and self.stop_at.kept(best.comparison):
            return f"{best.recipe.title} was good enough: {self.stop_at.figure(best.comparison)} for {self.stop_at}"
        return ""

    @property
    def _alike(self) -> bool:
        """Whether all that is tried runs in one engine: where one comes to no end, none with less time does."""
        engines = {recipe.engine.name if recipe.engine else None for recipe in self._recipes}
        return not self._space.follow and len(engines) == 1 and None not in engines

    @property
    def stopped_after(self) -> list[float]:
        """The seconds of each trial that was stopped because its time was over."""
        given = (item.report.stopped_after_s for item in self._candidates)
        return [seconds for seconds in given if seconds is not None]

    def _is_last(self, number: int) -> bool:
        """Return whether no later trial could use the time that this one leaves."""
        if self._space.follow:
            return False
        return number == self._listed - 1 or (self._alike and bool(self.stopped_after))

    def _foreseen(self, recipe: Recipe) -> str:
        """Return why it would fail as another did; empty where that is not known."""
        if recipe.exported is None:
            return ""
        alike = (item for item in self._candidates if item.attempt.not_exportable)
        same = next((item.report for item in alike if item.recipe.exported == recipe.exported), None)
        return f"the model cannot be exported (trial {same.number}: {same.reason.rstrip('.')})" if same else ""

    def _hopeless(self, limit_s: float) -> str:
        """Return why the time left is too little, going by others of its kind; empty where it may do."""
        if not self._alike:
            return ""
        stopped_s = max(self.stopped_after, default=0.0)
        took_s = max((item.report.wall_s for item in self._candidates if item.report.comparison), default=0.0)
        if limit_s >= HOPELESS_SHARE * max(stopped_s, took_s):
            return ""
        most = time_in_words(max(stopped_s, took_s))
        said = f"was stopped after {most}" if stopped_s > took_s else f"took {most}"
        return f"one of its kind {said}, and {time_in_words(limit_s)} were left for it"

    def _most_s(self, number: int, limit_s: float) -> float:
        """Return the seconds that a trial may take: one that hangs must leave time for those after it."""
        share, known_s = TRIAL_SHARE, 0.0
        if self._alike and self._best() is None:
            return limit_s  # what is too little for this one is too little for the next
        if number < self._listed:
            left = self._listed - number
            whole = CONTROLLED_SHARE if self._space.control else 0.0 if self._space.follow else 1.0
            share = max(TRIAL_SHARE, whole / left)
        else:  # what follows from what was measured takes about as long as that
            known_s = max((item.report.wall_s for item in self._candidates if item.report.comparison), default=0.0)
        return max(self._least_s(), share * limit_s, 1.5 * known_s)

    def _next(self, under_way: Sequence[Recipe]) -> Recipe | None:
        """Return the recipe to try now; None when nothing is left."""
        left = self._left(under_way)
        if not left and self._space.follow:
            number = len(self._candidates)
            begun = [Candidate.skipped(number + place, recipe, "").report for place, recipe in enumerate(under_way)]
            proposed = self._space.follow((*self.trials, *begun))
            self._recipes += [] if proposed is None else [proposed]
            return proposed
        return next(iter(left), None)

    def _left(self, under_way: Sequence[Recipe] = ()) -> list[Recipe]:
        """Return what was listed or proposed, and not begun."""
        begun = {recipe.digest for recipe in under_way} | {item.recipe.digest for item in self._candidates}
        return [recipe for recipe in self._recipes if recipe.digest not in begun]

    def _trying(self, recipe: Recipe, limit_s: float) -> Callable[[Tick], Attempt]:
        """Return what tries ``recipe``, as things stand now."""
        best = self._best()
        # a candidate clearly slower than the best so far cannot win; the best itself was at least the original
        bar = EARLY_MARGIN * (best.report.comparison.speedup if best and best.report.comparison else 1.0)

        def attempt(tick: Tick) -> Attempt:
            try:
                return self.bench.attempt(
                    recipe,
                    wall_limit_s=limit_s,
                    time_cap_s=self._cap_s(),
                    give_up_below=bar if self.goal.only_speed_counts else None,
                    with_memory=self.goal.needs_memory,
                    tick=tick,
                )
            except (TrialFailed, OSError) as error:  # no process or no disk: what was found so far stays
                return Attempt(0.0, failure=str(error))

        return attempt

    def _reported(self, number: int, recipe: Recipe, attempt: Attempt) -> Candidate:
        self.budget.spent(attempt.wall_s / self.workers)
        self.cut_off |= attempt.cut_off
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
                *([f"Tried early: {why}."] if (why := self._space.notes.get(recipe.digest)) else []),
                *attempt.notes,
            ),
            agreement=attempt.agreement,
            stopped_after_s=attempt.stopped_after_s,
        )
        return self._judged(Candidate(report, recipe, attempt))

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
        listed = [(recipe, "") for recipe in self._left()]
        begun = (Candidate.skipped(0, recipe, "").report for recipe, _ in listed)
        left = [*listed, *self._space.rest((*self.trials, *begun))]
        self.cut_off |= bool(left) and reason == NO_TIME
        for recipe, hopeless in left:
            self._candidates.append(Candidate.skipped(len(self._candidates), recipe, hopeless or reason))
        if left:
            self.ended = reason or "nothing that was left could beat the best by more than its interval"
            if reason == NO_TIME:
                self.ended = "the rest of the budget is for confirming and loading the best"

    @property
    def misses(self) -> Misses:
        """What came nearest to what was asked."""
        return Misses(self.goal, self._candidates)

    @property
    def confidence(self) -> tuple[DropConfidence, ...]:
        """How sure the drops are of the winner, or else of what came nearest; empty when no metric was judged."""
        proof = self.confirmed
        measured = [item for item in self._candidates if item.report.comparison]
        lost = [item for item in measured if item.comparison.quality_held is False]
        if proof is None and lost:
            proof = self.misses.nearest_of(lost).comparison
        elif proof is None and measured and self.bench.baseline.moved:  # nobody lost, but by figures that move
            proof = measured[0].comparison
        return confidence_of(proof.quality, self.bench.baseline) if proof is not None else ()

    def _improving(self) -> list[Candidate]:
        """Candidates that improve, what the space prefers before others, then the best first."""
        improving = [item for item in self._candidates if item.improves and item.report.comparison is not None]

        def rank(item: Candidate) -> tuple[bool, tuple[float, float]]:
            return self._space.prefers(item.recipe), self.goal.rank(item.comparison)

        return sorted(improving, key=rank, reverse=True)

    def _best(self) -> Candidate | None:
        return next(iter(self._improving()), None)

    def _confirm_best(self) -> None:
        """Confirm the best in a fresh process; where it does not hold there, the next best."""
        while best := self._best():
            left = self.budget.left_s
            if left < MIN_TRIAL_S:
                self.cut_off = True
                self._demote(best, "it looked better, but the budget left no time to confirm it")
                continue
            if not best.prepared:
                self._make_again(best, left)
                continue
            self._under_way = ()
            wait_s = min(left, self._confirm_cost_s())
            self.tell(f"confirming {best.recipe.title} in a fresh process", 0.95, wait_s)
            attempt = self.bench.confirm(
                best.recipe, wall_limit_s=CONFIRM_SHARE * left, time_cap_s=self._cap_s(), tried=best.attempt
            )
            self.cut_off |= attempt.cut_off
            problem = attempt.failure or attempt.rejected
            decision = self.goal.decide(attempt.comparison) if attempt.comparison else None
            if decision is None or not decision.improves:
                self._demote(best, f"not confirmed in a fresh process: {problem or (decision and decision.reason)}")
                continue
            self.winner, self.confirmed = best.report.number, attempt.comparison
            best.report = replace(best.report, status="kept", reason=_told(best.attempt, decision.reason))
            return

    def _make_again(self, candidate: Candidate, left_s: float) -> None:
        """Prepare and measure once more what an earlier search found, since its files are gone."""
        number = candidate.report.number
        self.tell(f"making {candidate.recipe.title} again", 0.9, min(left_s, self._confirm_cost_s()))
        attempt = self._trying(candidate.recipe, (1 - CONFIRM_SHARE / 2) * left_s)
        fresh = self._reported(number, candidate.recipe, attempt(lambda: None))
        self._candidates[number] = fresh
        self._keep(fresh)

    def drop_winner(self, reason: str) -> None:
        """Give up the winner, for a ``reason`` that showed after the search."""
        if self.winner is not None:
            self._demote(self._candidates[self.winner], reason)
        self.winner, self.confirmed = None, None

    def _demote(self, candidate: Candidate, reason: str) -> None:
        candidate.improves = False
        candidate.report = replace(candidate.report, status="rejected", reason=reason)

    def _explain_others(self) -> None:
        if self.interrupted:
            self._skip_rest("stopped before it was measured")
        if self.winner is None:
            return
        winner = self._candidates[self.winner]
        for item in self._improving():
            if item is not winner:
                alike = self._space.prefers(item.recipe) == self._space.prefers(winner.recipe)
                reason = f"{item.report.reason}, but {winner.recipe.title} is {'better' if alike else 'preferred'}"
                item.report = replace(item.report, reason=reason)

    def _cap_s(self) -> float:
        """Longest time for one comparison's timing."""
        return min(12.0, max(1.0, 0.08 * self.budget.total_s))

    def _least_s(self) -> float:
        """Seconds below which a trial of this model would hardly come to be measured."""
        return LEAST_LIMIT_S + 3 * self.bench.baseline.wall_s + self._cap_s()

    @property
    def least_budget_s(self) -> float:
        """Seconds within which the original, one trial and its confirmation can be had."""
        return 2 * self.bench.baseline.wall_s + self._least_s() / FIRST_SHARE

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

    def _confirm_cost_s(self) -> float:
        """Seconds to judge the best once more, load it three times, and measure two memories."""
        memories = 2 * self.bench.baseline.wall_s
        best = self._best()
        if best is None:
            return self._cap_s() + memories
        preparing = best.report.preparation_s or 0.0
        if not best.prepared:  # as a trial of its own first
            memories += preparing + self._least_s()
        return best.report.wall_s - preparing + memories + 3 * LOADING_SHARE * preparing

    def _reserve_s(self, *, last: bool = False) -> float:
        """Seconds to keep back: a share while there is nothing to confirm, then what confirming the best costs."""
        if self._best() is None:
            return (1 - (LAST_SHARE if last else FIRST_SHARE)) * self.budget.left_s
        return self._confirm_cost_s() / CONFIRM_SHARE

    def tell(self, message: str, done: float | None = None, left_s: float | None = None) -> None:
        """Tell whoever listens what happens now, and how the search stands."""
        emit(Progress(self.task, message, done, left_s, self._standing if self.head is not None else None))

    def _standing(self) -> Standing:
        assert self.head is not None
        best = self._best()
        return Standing(self.head(), self.trials, self._under_way, best.report.number if best else None)

    def _tell(self, under_way: Sequence[Recipe]) -> None:
        check_stop()
        best, number = self._best(), len(self._candidates)
        self._under_way = tuple(UnderWay(number + place, recipe.title) for place, recipe in enumerate(under_way))
        number += len(under_way) - 1
        so_far = f"; best so far {best.comparison.speedup:.2f}×" if best else ""
        listed, adaptive = len(self._recipes), self._space.control or not self._space.follow
        hopeful = sum(not hopeless for _, hopeless in self._space.rest(self.trials))
        at_most = max(listed, number + hopeful)
        of = f" of at most {at_most}" if hopeful else f" of {listed}" if number < listed and adaptive else ""
        message = f"trial {number + 1}{of}: {', '.join(recipe.title for recipe in under_way)}{so_far}"
        left = self.budget.seconds_left(at_most - number)
        if left is None and self._space.follow:  # proposals go on until the budget ends, as a rule
            left = self.budget.left_s
        done = None if left is None else min(self.budget.elapsed_s / max(self.budget.elapsed_s + left, 1e-9), 0.99)
        self.tell(message, done, left)


def _told(attempt: Attempt, reason: str) -> str:
    return f"{attempt.summary}, {reason}" if attempt.summary else reason
