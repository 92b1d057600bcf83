"""How sure a drop is that was seen on a set of samples."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tauto.reports import DropConfidence, Quality
from tauto.tuning.bench import Baseline

__all__ = ["confidence_of", "difference_interval", "hits_of", "wilson"]

_Z = 1.959964
"""Of a 95 % interval."""
_ROUNDING = 1e-3


def wilson(hits: float, samples: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of ``samples``.

    Wilson, *Probable inference, the law of succession, and statistical inference* (1927): it holds for few samples
    and for shares near 0 and 1, too.

    Examples
    --------
    >>> low, high = wilson(97, 100)
    >>> round(low, 3), round(high, 3)
    (0.915, 0.99)
    """
    share, square = hits / samples, _Z**2
    middle = (share + square / (2 * samples)) / (1 + square / samples)
    half = _Z * math.sqrt(share * (1 - share) / samples + square / (4 * samples**2)) / (1 + square / samples)
    return max(0.0, middle - half), min(1.0, middle + half)


def difference_interval(before: tuple[float, int], after: tuple[float, int]) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two shares, each given as hits and samples.

    Newcombe, *Interval estimation for the difference between independent proportions* (1998), method 10, from Wilson's
    intervals. Both shares are of the same samples as a rule: then the interval is wider than need be, never narrower
    as long as the two tend to be right on the same ones.
    """
    (low_1, high_1), (low_2, high_2) = wilson(*before), wilson(*after)
    share_1, share_2 = before[0] / before[1], after[0] / after[1]
    drop = share_1 - share_2
    down = math.hypot(share_1 - low_1, high_2 - share_2)
    up = math.hypot(high_1 - share_1, share_2 - low_2)
    return max(-1.0, drop - down), min(1.0, drop + up)


def hits_of(value: float, samples: int, scale: float = 1.0) -> int | None:
    """Return how many of ``samples`` a share stands for; None when it is no share of so many.

    Examples
    --------
    >>> hits_of(0.97, 100), hits_of(0.9712, 100), hits_of(97.0, 100, 100.0)
    (97, None, 97)
    """
    hits = value / scale * samples
    near = round(hits)
    # means are often taken in float32
    return near if 0 <= near <= samples and abs(hits - near) < max(_ROUNDING, 1e-6 * samples) else None


def confidence_of(quality: Sequence[Quality], baseline: Baseline) -> tuple[DropConfidence, ...]:
    """Return for each judged metric how sure its drop is.

    Parameters
    ----------
    quality : sequence of Quality
        Of one comparison.
    baseline : Baseline
        The original's figures, its second evaluation, and how many samples ``evaluate`` showed it.
    """
    return tuple(_confidence(row, baseline) for row in quality)


def _confidence(row: Quality, baseline: Baseline) -> DropConfidence:
    again = (baseline.again or {}).get(row.metric)
    noise = None if again is None else abs(again - row.original)
    low, high, reason = _interval(row, noise, baseline.samples)
    return DropConfidence(row.metric, row.drop, row.allowed_drop, low, high, baseline.samples, noise, reason)


def _interval(row: Quality, noise: float | None, samples: int | None) -> tuple[float | None, float | None, str]:
    if noise:
        # two figures that differ by d have a standard deviation of about d/√2; the drop is a difference of two such
        return row.drop - _Z * noise, row.drop + _Z * noise, ""
    if not samples:
        return None, None, "it is not known over how many samples evaluate judges: it was not seen to call the model"
    scale = 1.0 if max(row.original, row.optimized) <= 1 else 100.0
    before, after = (hits_of(value, samples, scale) for value in (row.original, row.optimized))
    if before is None or after is None:
        return None, None, f"the metric is no share of the {samples:,} samples that evaluate calls the model with"
    better, worse = (before, after) if row.higher_is_better else (after, before)
    low, high = difference_interval((better, samples), (worse, samples))
    return low * scale, high * scale, ""
