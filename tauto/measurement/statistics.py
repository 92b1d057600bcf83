"""How sure a measured ratio is: a robust mean of paired blocks and its bootstrap interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tauto.reports.comparison import Interval

__all__ = [
    "TRIM",
    "RatioEstimate",
    "bootstrap_ratio_interval",
    "calm_ratio_interval",
    "ordered_ratio_interval",
    "student_quantile",
    "trimmed_mean",
]

TRIM = 0.25
"""Share of pairs left out at each end: a burst of other work spoils whole blocks."""
TRIM_FROM = 8
"""Values from which trimming begins: fewer cannot spare any."""
RESAMPLES = 1000
CALM_CALLS = 0.1
"""Quantile of a block's calls that ran undisturbed on a busy machine."""
CALM_BLOCKS = 0.25
"""Quantile of the blocks that had such calls."""

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RatioEstimate:
    """A ratio and its confidence interval.

    Parameters
    ----------
    ratio : float
        The estimate.
    interval : Interval
        Its confidence interval.
    """

    ratio: float
    interval: Interval

    @property
    def half_width(self) -> float:
        """Half the interval's width, as a share of the ratio."""
        return (self.interval.high - self.interval.low) / 2 / self.ratio


def trimmed_mean(values: Samples) -> Samples:
    """Return the mean over the last axis without the quarter of smallest and of largest values.

    Of fewer than eight values, the mean of all.

    Examples
    --------
    >>> float(trimmed_mean(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1000.0])))
    4.5
    """
    ordered = np.sort(values, axis=-1)
    cut = _cut(values.shape[-1])
    mean: Samples = ordered[..., cut : values.shape[-1] - cut].mean(axis=-1)
    return mean


def student_quantile(probability: float, freedom: int) -> float:
    """Return the quantile of Student's t, for ``freedom`` ≥ 1 degrees of freedom.

    Exact for one and two degrees; else the expansion 26.7.5 of Abramowitz and Stegun, *Handbook of Mathematical
    Functions* (1964), good to 1 % at the 97.5 % point.
    """
    if freedom == 1:
        return math.tan(math.pi * (probability - 0.5))
    if freedom == 2:
        return (2 * probability - 1) / math.sqrt(2 * probability * (1 - probability))
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / float(freedom) ** power for power, term in enumerate(terms, start=1))


def bootstrap_ratio_interval(
    numerators: Samples, denominators: Samples, random: np.random.Generator, confidence: float = 0.95
) -> RatioEstimate:
    """Return the ratio of paired times and its interval, resampling the pairs.

    The ratio is the exponential of the trimmed mean of the pairs' log ratios, so that a slow drift cancels within
    a pair and a burst of other work is left out. Percentile intervals of few pairs are too narrow: the bootstrap's
    95 % interval is widened about the estimate by ``√(n / (n − 1)) · t / z``, with as many degrees of freedom as
    pairs are left after trimming, less one (Tukey and McLaughlin 1963). It reaches as far on the short side as on
    the long one (in the logarithm): which side few pairs leave short is chance.

    Parameters
    ----------
    numerators, denominators : ndarray of shape (pairs,)
        Positive times, such as the medians of paired blocks; at least two pairs.
    random : numpy.random.Generator
        Draws the resamples; numpy's global state is not used.
    confidence : float
        Coverage asked for.
    """
    logs = np.log(numerators / denominators)
    pairs = len(logs)
    if pairs < 2:
        raise ValueError(f"numerators: {pairs} pair is too few for an interval; give at least two.")
    centre = float(trimmed_mean(logs))
    resampled = trimmed_mean(logs[random.integers(0, pairs, (RESAMPLES, pairs))])
    low, high = np.quantile(resampled, (0.025, 0.975))
    freedom = max(1, pairs - 2 * _cut(pairs) - 1)
    widen = math.sqrt(pairs / (pairs - 1)) * student_quantile(0.5 + confidence / 2, freedom)
    widen /= NormalDist().inv_cdf(0.975)
    half = widen * max(centre - low, high - centre)
    return RatioEstimate(math.exp(centre), Interval(math.exp(centre - half), math.exp(centre + half)))


def calm_ratio_interval(
    numerators: Sequence[Samples], denominators: Sequence[Samples], random: np.random.Generator, confidence: float
) -> RatioEstimate:
    """Return the ratio of what the calls of two sides take when nothing else runs, and its interval.

    For a busy machine, where a side that waits for its own threads stands still for whole blocks. Of each block the
    fast end (its 10 % quantile), of each side the lower quartile of these: right as long as a quarter of the blocks
    have some calls that ran undisturbed. The interval resamples the blocks of each side by itself, and is widened for
    their number as that of :func:`bootstrap_ratio_interval`.

    Parameters
    ----------
    numerators, denominators : sequence of ndarray
        The call times of each block; at least two blocks a side.
    random : numpy.random.Generator
        Draws the resamples.
    confidence : float
        Coverage asked for.
    """
    sides = [np.log([np.quantile(block, CALM_CALLS) for block in side]) for side in (numerators, denominators)]
    centre = float(np.subtract(*(np.quantile(side, CALM_BLOCKS) for side in sides)))
    drawn = (side[random.integers(0, len(side), (RESAMPLES, len(side)))] for side in sides)
    low, high = np.quantile(np.subtract(*(np.quantile(each, CALM_BLOCKS, axis=1) for each in drawn)), (0.025, 0.975))
    blocks = min(map(len, sides))
    widen = math.sqrt(blocks / (blocks - 1)) * student_quantile(0.5 + confidence / 2, blocks - 1)
    widen /= NormalDist().inv_cdf(0.975)
    half = widen * max(centre - low, high - centre)
    return RatioEstimate(math.exp(centre), Interval(math.exp(centre - half), math.exp(centre + half)))


def ordered_ratio_interval(numerators: Samples, denominators: Samples, confidence: float) -> Interval | None:
    """Return an interval of the median ratio that assumes nothing of how the ratios are distributed.

    Its ends are the ``k``-th smallest and largest ratio of the pairs, for the largest ``k`` at which the true median
    lies between them with ``confidence`` (the sign test turned round; Hollander and Wolfe, *Nonparametric
    Statistical Methods*, §3.6). Eight pairs are the fewest for 99 %; None for fewer.

    Examples
    --------
    >>> times = np.array([3.0, 300.0, 9.0, 2.5, 700.0, 4.0, 5.0, 6.0])
    >>> ordered_ratio_interval(times, np.ones(8), 0.99)
    Interval(low=2.5, high=700.0)
    """
    ratios = np.sort(numerators / denominators)
    pairs = len(ratios)
    outside, rank = 2 * 0.5**pairs, 0  # chance that the median lies beyond the rank-th ratio of either end
    while outside <= 1 - confidence:
        rank += 1
        outside += 2 * math.comb(pairs, rank) * 0.5**pairs
    return Interval(float(ratios[rank - 1]), float(ratios[pairs - rank])) if rank else None


def _cut(count: int) -> int:
    return int(TRIM * count) if count >= TRIM_FROM else 0
