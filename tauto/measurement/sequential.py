"""When enough pairs of blocks have been timed."""

from __future__ import annotations

from typing import Literal

import numpy as np

from tauto.measurement.statistics import RatioEstimate, bootstrap_ratio_interval, ordered_ratio_interval
from tauto.reports.comparison import Interval

__all__ = ["CAUTIOUS", "MIN_PAIRS", "SequentialRatio", "Stop"]

Stop = Literal["settled", "given_up", "out_of_time"]

MIN_PAIRS = 12
"""Pairs before an interval may count as settled: with fewer, a lucky run looks surer than it is."""
FEWEST_PAIRS = 8
"""Pairs that are timed even when the time cap has passed: the fewest whose order alone says something with 99 %. On a
crowded machine a block is fast or slow by turns, and a mean of few such blocks says nothing."""
EARLY_LOOKS = (6, 9)
"""Pairs after which a clearly slower candidate is given up."""
LOOK_GROWTH = 1.33
"""Looks are a third further apart each time, so that there are few chances to stop on luck."""
CAUTIOUS = 0.99
"""Confidence where stopping depends on what was seen, or precision was not reached."""


class SequentialRatio:
    """Collects pairs of block times and says when to stop.

    It stops when the 95 % interval's half-width falls below ``half_width``: a rule about precision, not about the
    ratio, so that stopping does not favour a side. An interval that has not settled when time is up is widened to
    99 %, or to what the order of the ratios alone says where that is narrower (at 95 %, one in a hundred copies of a
    model came out different under heavy noise; see the simulations in ``tests/measurement/test_sequential.py``).

    Parameters
    ----------
    half_width : float
        Share of the ratio.
    give_up_below : float or None
        Stop early when the ratio is clearly (99 %) below this.
    random : numpy.random.Generator
        Draws the resamples.
    """

    estimate: RatioEstimate
    """The ratio and its interval, once :meth:`stop` has returned a reason."""

    def __init__(self, half_width: float, give_up_below: float | None, random: np.random.Generator) -> None:
        self._half_width = half_width
        self._give_up_below = give_up_below
        self._random = random
        self._pairs: list[tuple[float, float]] = []
        self._next_look = MIN_PAIRS

    def __len__(self) -> int:
        return len(self._pairs)

    def add(self, numerator: float, denominator: float) -> None:
        """Take the times of one pair of blocks."""
        self._pairs.append((numerator, denominator))

    def stop(self, *, out_of_time: bool) -> Stop | None:
        """Return why to stop now, with :attr:`estimate` set, or None to go on."""
        if out_of_time and len(self) >= FEWEST_PAIRS:
            if self._settled():
                return "settled"
            self.estimate = self._narrowed(self._estimated(CAUTIOUS))
            return "out_of_time"
        if len(self) == self._next_look:
            self._next_look = max(len(self) + 1, int(len(self) * LOOK_GROWTH))
            if self._settled():
                return "settled"
        elif len(self) not in EARLY_LOOKS:
            return None
        return "given_up" if self._clearly_below() else None

    def _settled(self) -> bool:
        if len(self) < MIN_PAIRS:
            return False
        self.estimate = self._estimated(0.95)
        return self.estimate.half_width < self._half_width

    def _clearly_below(self) -> bool:
        if self._give_up_below is None:
            return False
        self.estimate = self._estimated(CAUTIOUS)
        return self.estimate.interval.high < self._give_up_below

    def _narrowed(self, estimate: RatioEstimate) -> RatioEstimate:
        """Return ``estimate`` within what the order of the ratios alone says: under bursts that is much narrower."""
        times = np.array(self._pairs)
        order = ordered_ratio_interval(times[:, 0], times[:, 1], CAUTIOUS)
        if order is None:
            return estimate
        low, high = max(estimate.interval.low, order.low), min(estimate.interval.high, order.high)
        if low > high:
            return estimate
        return RatioEstimate(min(max(estimate.ratio, low), high), Interval(low, high))

    def _estimated(self, confidence: float) -> RatioEstimate:
        times = np.array(self._pairs)
        return bootstrap_ratio_interval(times[:, 0], times[:, 1], self._random, confidence)
