"""Time of a search over all its sessions, and how much of it one trial may take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from optuna.trial import FrozenTrial

__all__ = ["Limit", "SearchClock", "busy_s"]

LEAST_S = 10.0
FACTOR = 10
"""A run of the objective that takes so many times as long as the slowest before is believed to hang."""
LEAST_LIMIT_S = 60.0


class Limit(NamedTuple):
    """How long one run may take."""

    seconds: float
    by_budget: bool
    """Whether it is the end of the budget."""


@dataclass(slots=True)
class SearchClock:
    """How much time is left.

    Parameters
    ----------
    budget_s : float or None
        Seconds that the study may take, over all its sessions; None for no limit.
    spent_s : float
        What earlier sessions took of it.
    trial_limit_s : float or None
        Seconds that one run of the objective may take, where the user says so.
    """

    budget_s: float | None
    spent_s: float = 0.0
    trial_limit_s: float | None = None
    slowest_s: float = 0.0
    """The longest that a trial took to its end, so far."""
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _told_at: float = field(init=False, default=-math.inf)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def left_s(self) -> float:
        """Seconds to the end, never negative."""
        if self.budget_s is None:
            return math.inf
        return max(0.0, self.budget_s - self.spent_s - (self.clock() - self._began))

    @property
    def share(self) -> float:
        """The part of the budget that is used up, 0 to 1."""
        return 0.0 if self.budget_s is None else 1 - self.left_s / self.budget_s

    def limit(self) -> Limit:
        """Return how long the run that starts now may take: half of the time left where nothing is known of it."""
        left = self.left_s
        if self.trial_limit_s is not None:
            limit = self.trial_limit_s
        elif self.slowest_s:
            limit = max(LEAST_LIMIT_S, FACTOR * self.slowest_s)
        else:
            limit = max(LEAST_S, left / 2)
        return Limit(max(min(left, limit), 0.01), left <= limit and not math.isinf(left))

    def due(self, every_s: float) -> bool:
        """Whether something that is done so often is to be done now."""
        now = self.clock()
        if now - self._told_at < every_s:
            return False
        self._told_at = now
        return True


def busy_s(trials: Sequence[FrozenTrial]) -> float:
    """Return the seconds in which at least one of ``trials`` ran: several at a time count once, pauses do not."""
    spans = sorted(
        (one.datetime_start.timestamp(), one.datetime_complete.timestamp())
        for one in trials
        if one.datetime_start is not None and one.datetime_complete is not None
    )
    total, until = 0.0, -math.inf
    for start, end in spans:
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
