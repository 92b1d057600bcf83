"""Two functions timed against each other, in interleaved blocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tauto.measurement.blocks import LONG_CALL_S, Function, latency_of, run_block, synchronizer, warm_up
from tauto.measurement.sequential import CAUTIOUS, SequentialRatio, Stop
from tauto.measurement.statistics import RatioEstimate, Samples, calm_ratio_interval
from tauto.reports.comparison import Interval, Verdict
from tauto.reports.measurement import Latency
from tauto.workload.state import preserved_rng, thread_count

__all__ = ["BETTER_ABOVE", "HALF_WIDTH", "WORSE_BELOW", "PairTiming", "cautious", "orders", "time_pair", "verdict_of"]

HALF_WIDTH = 0.03
BETTER_ABOVE = 1.02
WORSE_BELOW = 0.98
WARM_SHARE = 0.1
"""Largest share of the time cap that warming up each side may take."""


@dataclass(frozen=True, slots=True)
class PairTiming:
    """``b`` against ``a``.

    Parameters
    ----------
    speedup : float
        Latency of ``a`` over latency of ``b``; above 1, ``b`` is faster.
    interval : Interval
        Of the speedup: 95 % when ``settled``, else 99 %. On a busy machine it is of the undisturbed calls.
    settled : bool
        Whether the interval became narrower than asked before the time cap.
    gave_up : bool
        Whether timing was stopped early because ``b`` was clearly slower than ``give_up_below``.
    a, b : Latency
        Each side's own figures.
    wall_s : float
        Seconds it took, warm-up included.
    """

    speedup: float
    interval: Interval
    settled: bool
    gave_up: bool
    a: Latency
    b: Latency
    wall_s: float

    @property
    def verdict(self) -> Verdict:
        """Whether ``b`` is better, the same or worse."""
        return verdict_of(self.interval)


def verdict_of(interval: Interval) -> Verdict:
    """Return "better" when the whole interval of a speedup is above 1.02, "worse" when below 0.98, else "same"."""
    if interval.low > BETTER_ABOVE:
        return "better"
    return "worse" if interval.high < WORSE_BELOW else "same"


def time_pair(
    a: Callable[[], Any],
    b: Callable[[], Any],
    *,
    batch: int,
    time_cap_s: float = 20.0,
    half_width: float = HALF_WIDTH,
    give_up_below: float | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> PairTiming:
    """Time ``a`` and ``b`` against each other in this process.

    Each pair is a block of ``a`` and a block of ``b`` in random order; a block begins with untimed calls, because
    alternating call by call makes the thread pools of two engines fight (wrong by 2 × for a small net). Timing
    ends when the interval of the speedup is narrow, or at the time cap, after six pairs at least.

    Parameters
    ----------
    a, b : callable
        Called with nothing; what they return is dropped. What they raise is raised.
    batch : int
        Samples a call, for the throughput.
    time_cap_s : float
        Seconds after which no further pair is begun, warm-up included.
    half_width : float
        Precision asked of the speedup, as a share of it.
    give_up_below : float, optional
        Stop early when ``b``'s speedup is clearly below this.
    seed : int
        Of the order of blocks and of the resampling; global random states are restored.
    device : str
        Waited for after each call when it is not the CPU.

    Examples
    --------
    >>> timing = time_pair(lambda: sum(range(2000)), lambda: sum(range(1000)), batch=1)
    >>> timing.verdict
    'better'
    """
    start = time.perf_counter()
    random = np.random.default_rng(seed)
    ratio = SequentialRatio(half_width, give_up_below, random)
    with preserved_rng(), thread_count(None):
        blocks, stop = _interleaved((a, b), synchronizer(device), ratio, orders(random), start, time_cap_s)
    one, other = (latency_of(side, batch) for side in blocks)
    estimate = ratio.estimate
    if busy := one.disturbed or other.disturbed:
        estimate = cautious(estimate, calm_ratio_interval(*blocks, random, CAUTIOUS))
    return PairTiming(
        speedup=estimate.ratio,
        interval=estimate.interval,
        settled=stop == "settled" and not busy,
        gave_up=stop == "given_up",
        a=one,
        b=other,
        wall_s=time.perf_counter() - start,
    )


def _interleaved(
    functions: tuple[Function, Function],
    synchronize: Function,
    ratio: SequentialRatio,
    order: Iterator[tuple[int, int]],
    start: float,
    time_cap_s: float,
) -> tuple[tuple[list[Samples], list[Samples]], Stop]:
    """Warm up both sides and time pairs of blocks until ``ratio`` says why to stop; return the blocks and that."""
    calls_s = [warm_up(function, synchronize, WARM_SHARE * time_cap_s) for function in functions]
    # both or neither: under load an unsettled call is slower, and only one side would bear it
    settle = min(calls_s) < LONG_CALL_S
    blocks: tuple[list[Samples], list[Samples]] = ([], [])
    stop = None
    while stop is None:
        for side in next(order):
            blocks[side].append(run_block(functions[side], synchronize, settle=settle))
        ratio.add(float(np.median(blocks[0][-1])), float(np.median(blocks[1][-1])))
        stop = ratio.stop(out_of_time=time.perf_counter() - start > time_cap_s)
    return blocks, stop


def cautious(paired: RatioEstimate, calm: RatioEstimate) -> RatioEstimate:
    """Return what to believe of a ratio measured on a busy machine.

    One side may have waited more for its threads than the other, whole blocks long, which says nothing of the models:
    a hundredfold speedup came out of that. So the calls that ran undisturbed tell how much, and where all blocks and
    the undisturbed calls do not agree on which side is faster, the interval reaches 1.
    """
    if verdict_of(paired.interval) == verdict_of(calm.interval):
        return calm
    low, high = min(calm.interval.low, 1.0), max(calm.interval.high, 1.0)
    return RatioEstimate(calm.ratio, Interval(low, high))


def orders(random: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield who goes first, at random but equally often within every four pairs."""
    while True:
        for first in random.permutation([0, 0, 1, 1]):
            yield int(first), 1 - int(first)
