"""How much time each part of a search may take, by what the parts before it took."""

from __future__ import annotations

from dataclasses import dataclass

from tauto.config import time_in_words
from tauto.tuning.bench import Baseline
from tauto.tuning.budget import Budget
from tauto.tuning.candidates import Candidates

__all__ = ["CONFIRM_SHARE", "Allowance"]

CONFIRM_SHARE = 0.8
"""Share of the time left in which the winner is confirmed; the rest is for loading it."""
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


@dataclass(frozen=True, slots=True)
class Allowance:
    """What ``budget`` allows of the time of a search of ``candidates``, whose original took what ``baseline`` tells."""

    budget: Budget
    baseline: Baseline
    candidates: Candidates

    @property
    def timing_s(self) -> float:
        """Longest time for one comparison's timing."""
        return min(12.0, max(1.0, 0.08 * self.budget.total_s))

    @property
    def least_s(self) -> float:
        """Seconds below which a trial of this model would hardly come to be measured."""
        return LEAST_LIMIT_S + 3 * self.baseline.wall_s + self.timing_s

    @property
    def least_budget_s(self) -> float:
        """Seconds within which the original, one trial and its confirmation can be had."""
        return 2 * self.baseline.wall_s + self.least_s / FIRST_SHARE

    def trial_s(self, number: int, limit_s: float) -> float:
        """Return the seconds that a trial may take: one that hangs must leave time for those after it."""
        candidates = self.candidates
        share, known_s = TRIAL_SHARE, 0.0
        if candidates.alike and candidates.best is None:
            return limit_s  # what is too little for this one is too little for the next
        if number < candidates.listed:
            left = candidates.listed - number
            whole = CONTROLLED_SHARE if candidates.space.control else 0.0 if candidates.space.follow else 1.0
            share = max(TRIAL_SHARE, whole / left)
        else:  # what follows from what was measured takes about as long as that
            known_s = candidates.longest_s
        return min(limit_s, max(self.least_s, share * limit_s, 1.5 * known_s))

    def reserve_s(self, number: int) -> float:
        """Return the seconds to keep back from trial ``number``: for confirming the best, or what may be found."""
        if self.candidates.best is None:
            return (1 - (LAST_SHARE if self._is_last(number) else FIRST_SHARE)) * self.budget.left_s
        return self.confirming_s / CONFIRM_SHARE

    def _is_last(self, number: int) -> bool:
        """Return whether no later trial could use the time that this one leaves."""
        candidates = self.candidates
        if candidates.space.follow:
            return False
        return number == candidates.listed - 1 or (candidates.alike and bool(candidates.stopped_after))

    @property
    def confirming_s(self) -> float:
        """Seconds to judge the best once more, load it three times, and measure two memories."""
        memories = 2 * self.baseline.wall_s
        best = self.candidates.best
        if best is None:
            return self.timing_s + memories
        preparing = best.report.preparation_s or 0.0
        if not best.prepared:  # as a trial of its own first
            memories += preparing + self.least_s
        return best.report.wall_s - preparing + memories + 3 * LOADING_SHARE * preparing

    def hopeless(self, limit_s: float) -> str:
        """Return why ``limit_s`` is too little, going by others of its kind; empty where it may do."""
        if not self.candidates.alike:
            return ""
        stopped_s, took_s = max(self.candidates.stopped_after, default=0.0), self.candidates.longest_s
        if limit_s >= HOPELESS_SHARE * max(stopped_s, took_s):
            return ""
        most = time_in_words(max(stopped_s, took_s))
        said = f"was stopped after {most}" if stopped_s > took_s else f"took {most}"
        return f"one of its kind {said}, and {time_in_words(limit_s)} were left for it"
