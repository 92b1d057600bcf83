"""What of a search came nearest to what was asked, and what binds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tauto.tuning.candidate import Candidate
from tauto.tuning.losses import loss_of
from tauto.tuning.objective import Goal

__all__ = ["Misses"]


@dataclass(frozen=True, slots=True)
class Misses:
    """The near misses among ``candidates``, going by ``goal``; the original is one of them."""

    goal: Goal
    candidates: Sequence[Candidate]

    @property
    def nearest_miss(self) -> str | None:
        """What came nearest, in words, when every candidate lost too much quality; None when one held it."""
        if any(item.report.comparison and item.comparison.quality_held is not False for item in self.candidates):
            return None
        lost = [item for item in self.candidates if item.report.comparison and item.comparison.speedup > 1]
        if lost:
            item = self.nearest_of(lost)
            return f"{item.recipe.title}: {item.report.reason}"
        wrong = next((item for item in self.candidates if item.attempt.rejected), None)
        return f"{wrong.recipe.title}: {wrong.attempt.rejected}" if wrong else None

    def nearest_of(self, lost: Sequence[Candidate]) -> Candidate:
        """Return the one that is nearest to holding the quality, the best of equals."""

        def away(item: Candidate) -> tuple[float, float]:
            loss = loss_of(item.report)
            return loss.excess if loss else math.inf, -self.goal.gain(item.comparison)

        return min(lost, key=away)

    @property
    def nothing_to_reach(self) -> str | None:
        """That the original is there by itself, in words; None where it is not, or nothing was measured beside it."""
        target, measured = self.goal.target, [item for item in self.candidates if item.report.comparison]
        there = [item for item in measured if target is not None and target.already(item.comparison)]
        if target is None or not there:
            return None
        now = target.figure(there[0].comparison, before=True)
        return f"the original itself is within {target} already: {now}. Ask for less"

    @property
    def missed_target(self) -> str | None:
        """What came nearest to the target, and what binds, in words; None without one, or when nothing was measured."""
        target, measured = self.goal.target, [item for item in self.candidates if item.report.comparison]
        if target is None or not measured:
            return None
        reaching = [item for item in measured if target.met(item.comparison)]
        if reaching:
            item = max(reaching, key=lambda each: self.goal.gain(each.comparison))
            lost = item.comparison.quality_held is False
            binds = "the allowed quality drop is what binds" if lost else "the timing is what binds"
            return f"{binds}; nearest miss at {target}, {item.recipe.title}: {item.report.reason}"
        item = max(measured, key=lambda each: target.reached(each.comparison))
        figure = target.figure(item.comparison)
        return f"{target} is out of reach; nearest miss {figure}, {item.recipe.title}: {item.report.reason}"

    @property
    def nearest(self) -> int | None:
        """Number of the measured trial that is nearest to keeping to all; None when one did, or none was measured.

        Of those that hold the quality, if any, the one whose worst broken constraint is broken least. None, too, where
        the original is nearer.
        """
        return None if self.original_nearest else self._nearest_trial

    @property
    def original_nearest(self) -> bool:
        """Whether the original, which breaks a constraint, is no farther from keeping to all than any trial."""
        number = self._nearest_trial
        if number is None or not self.goal.constraints:
            return False
        item = self.candidates[number]
        compared = item.comparison
        over = max(1 / max(limit.reached_before(compared), 1e-9) - 1 for limit in self.goal.constraints)
        return 0 < over <= self.goal.excess(item.report)

    @property
    def _nearest_trial(self) -> int | None:
        measured = [item for item in self.candidates if item.report.comparison is not None]
        if not measured or any(self._legal(item) for item in measured):
            return None
        holding = [item for item in measured if item.comparison.quality_held is not False]
        if not holding:
            return self.nearest_of(measured).report.number
        return max(holding, key=self._keeping).report.number

    def _legal(self, item: Candidate) -> bool:
        compared = item.comparison
        return compared.quality_held is not False and not self.goal.broken(compared)

    def _keeping(self, item: Candidate) -> float:
        return min((limit.reached(item.comparison) for limit in self.goal.constraints), default=1.0)

    @property
    def missed_constraints(self) -> str | None:
        """What binds, what came nearest and what would have to give, in words; None where something keeps to all."""
        number = self._nearest_trial
        if number is None or not self.goal.constraints:
            return None
        item = self.candidates[number]
        compared = item.comparison
        over = [limit for limit in self.goal.constraints if not limit.already(compared)]
        if not over:
            return None  # the original keeps to them
        if self.original_nearest:
            over.sort(key=lambda limit: limit.reached_before(compared))
            gives = " and ".join(f"{limit.figure(compared, before=True)} instead of {limit}" for limit in over)
            return f"the {over[0].words} is what binds; nearest miss, the original itself: it would do with {gives}"
        broken = self.goal.broken(compared)
        if not broken:
            return f"the allowed quality drop is what binds; nearest miss, {item.recipe.title}: {item.report.reason}"
        gives = " and ".join(f"{limit.figure(compared)} instead of {limit}" for limit in broken)
        return f"the {broken[0].words} is what binds; nearest miss, {item.recipe.title}: it would do with {gives}"
