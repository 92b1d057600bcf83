"""The order of growth of measured or counted values, and where throughput stops to rise."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tauto.reports.scaling import Growth, Order, Quantity

__all__ = [
    "LEAST_FIT",
    "LEAST_RANGE",
    "LEAST_SIZES",
    "best_size",
    "counted_growth",
    "knee",
    "measured_growth",
    "still_rising",
]

LEAST_SIZES = 4
LEAST_RANGE = 8.0
"""Largest over smallest size, from which on an order can be told."""
LEAST_FIT = 0.7
"""R² below which no order is named."""
_SAME_FIT = 0.02
"""Root mean square of relative errors that measured times have anyway: fits this good are alike."""
_EXACT = 1e-3
"""Root mean square of relative errors from which on counts are no sum of powers."""
_SHOWS = 0.1
"""Share of a value from which on its growing term is more than the errors."""
_LEAST_GROWN = 3
"""Sizes that must show growth: any power goes through two."""
_MINOR = 0.01
"""A term of a counted sum that makes less at the largest size does not name the order."""

Values = NDArray[np.float64]

_TERMS: dict[Order, Callable[[Values], Values]] = {
    "1": np.ones_like,
    "n": lambda n: n,
    "n log n": lambda n: n * np.log2(n + 1),
    "n²": lambda n: n**2,
    "n³": lambda n: n**3,
}

_POWERS: dict[Order, int] = {"1": 0, "n": 1, "n log n": 1, "n²": 2, "n³": 3}


def measured_growth(quantity: Quantity, sizes: Sequence[int], values: Sequence[float]) -> Growth:
    """Return the order of measured values: of ``c``, ``c + a n``, ``c + a n log n``, … the one that fits best.

    Least squares of the relative errors, ``a`` and ``c`` not negative. Rivals are the orders whose errors are within
    those of the measurement, and those that would be named without one of the sizes. Where these lie further apart
    than from one power to the next, or few sizes grow at all, the sizes do not tell, and no order is named.

    Examples
    --------
    >>> measured_growth("time", [1, 2, 4, 8, 16], [3.0, 5.0, 9.0, 17.0, 33.0]).order
    'n'
    """
    n, v = np.array(sizes, float), np.array(values, float)
    exponent = _exponent(n, v)
    if reason := _too_few(sizes, v):
        return Growth(quantity, None, None, exponent, reason=reason)
    named, rivals, fit = _named(n, v)
    fitted = _r_squared(v, fit[2])
    if named is None:
        return Growth(quantity, None, fitted, exponent, reason="the values are too scattered to tell")
    grown = 1 - fit[0].get("1", 0.0) * fit[2][-1] / fit[2]  # share of the growing term at each size
    if named != "1" and (showing := int((grown >= _SHOWS).sum())) < _LEAST_GROWN:
        return Growth(
            quantity, None, fitted, exponent, reason=f"growth shows at only {showing} of the sizes: try larger ones"
        )
    others = {_named(np.delete(n, place), np.delete(v, place))[0] for place in range(len(n))}
    alike = sorted({named, *rivals, *(one for one in others if one is not None)}, key=list(_TERMS).index)
    if _POWERS[alike[-1]] - _POWERS[alike[0]] > 1:
        words = f"{', '.join(alike[:-1])} and {alike[-1]}"
        return Growth(quantity, None, fitted, exponent, reason=f"{words} fit alike: more sizes or a wider range tell")
    return Growth(quantity, named, fitted, exponent, _shares(fit), tuple(one for one in alike if one != named))


def _named(n: Values, v: Values) -> tuple[Order | None, list[Order], _Fit]:
    """Return the order that fits best (None when none does), those that fit about as well, and its fit."""
    fits = {order: _fit(n, v, ("1",) if order == "1" else ("1", order)) for order in _TERMS}
    errors = {order: fit[1] for order, fit in fits.items()}
    least = min(errors.values())
    alike = [order for order, error in errors.items() if error <= max(1.5 * least, _SAME_FIT)]
    if "1" in alike and float(v.max()) <= 1.1 * float(v.min()):
        alike = ["1"]
    # of those that fit alike the best is named first; a constant that is no better than growth is no rival of it
    order = alike[0] if alike == ["1"] else min((one for one in alike if one != "1"), key=errors.__getitem__)
    if order != "1" and _r_squared(v, fits[order][2]) < LEAST_FIT:
        return None, [], fits[order]
    return order, [one for one in alike if one not in (order, "1")], fits[order]


def counted_growth(quantity: Quantity, sizes: Sequence[int], values: Sequence[float]) -> Growth:
    """Return the order of counts, which are sums of powers: the highest power that makes 1 % of the largest.

    Counts that are no such sum, such as a peak that is of different moments at different sizes, are taken as measured.

    Examples
    --------
    >>> counted_growth("flops", [1, 2, 4, 8, 16], [5 * n * n + 100 * n for n in (1, 2, 4, 8, 16)]).order
    'n²'
    """
    n, v = np.array(sizes, float), np.array(values, float)
    exponent = _exponent(n, v)
    if reason := _too_few(sizes, v):
        return Growth(quantity, None, None, exponent, reason=reason)
    powers: tuple[Order, ...] = ("1", "n", "n²", "n³")
    room = min(len(powers), len(n) - 1)
    sets = [chosen for size in range(1, room + 1) for chosen in itertools.combinations(powers, size)]
    fits = [_fit(n, v, chosen) for chosen in sets]
    least = min(fit[1] for fit in fits)
    if least > _EXACT:
        return measured_growth(quantity, sizes, values)
    # the fewest terms that are as good as the best: rounding aside, counts are fitted exactly
    fit = next(fit for fit in fits if fit[1] <= max(2 * least, 1e-6))
    shares = _shares(fit)
    order = max((one for one, part in shares.items() if part >= _MINOR), key=powers.index, default="1")
    return Growth(quantity, cast("Order", order), _r_squared(v, fit[2]), exponent, shares)


def _too_few(sizes: Sequence[int], values: Values) -> str:
    if not (values > 0).all():
        return "some values are zero"
    if len(sizes) < LEAST_SIZES:
        return f"{len(sizes)} size{'s are' if len(sizes) > 1 else ' is'} too few to tell (from {LEAST_SIZES} on)"
    if max(sizes) < LEAST_RANGE * min(sizes):
        return f"{min(sizes):,} to {max(sizes):,} is too near to tell (from {LEAST_RANGE:g} times on)"
    return ""


_Fit = tuple[dict[Order, float], float, Values]
"""Share of each term at the largest size, root mean square of relative errors, fitted values."""


def _fit(n: Values, v: Values, terms: Sequence[Order]) -> _Fit:
    """Least squares of relative errors with coefficients that are not negative; a negative one's term goes."""
    kept = list(terms)
    while True:
        columns = np.stack([_TERMS[term](n) for term in kept], axis=1)
        scaled = columns / v[:, None]
        norms = np.linalg.norm(scaled, axis=0)
        found = np.linalg.lstsq(scaled / norms, np.ones_like(v), rcond=None)[0] / norms
        if (found >= 0).all() or len(kept) == 1:
            break
        kept.pop(int(np.argmin(found * norms)))
    fitted: Values = columns @ found
    parts = {term: float(part / fitted[-1]) for term, part in zip(kept, columns[-1] * found, strict=True)}
    return parts, float(np.sqrt(np.mean((fitted / v - 1) ** 2))), fitted


def _shares(fit: _Fit) -> dict[Order, float]:
    return {term: part for term, part in fit[0].items() if part > 1e-9}


def _r_squared(values: Values, fitted: Values) -> float:
    logs, near = np.log(values), np.log(np.maximum(fitted, 1e-300))
    spread = float(((logs - logs.mean()) ** 2).sum())
    left = float(((logs - near) ** 2).sum())
    return 1.0 if spread < 1e-12 else 1 - left / spread


def _exponent(n: Values, v: Values) -> float | None:
    """Return the slope of the logarithms over the upper half of the sizes (two at least)."""
    upper = slice(min(len(n) // 2, max(len(n) - 2, 0)), None)
    if len(n) < 2 or not (v > 0).all():
        return None
    return float(np.polyfit(np.log(n[upper]), np.log(v[upper]), 1)[0])


def best_size(sizes: Sequence[int], rates: Sequence[float]) -> int | None:
    """Return the smallest size whose throughput is within 2 % of the highest."""
    return next((size for size, rate in zip(sizes, rates, strict=True) if rate >= 0.98 * max(rates)), None)


def knee(sizes: Sequence[int], rates: Sequence[float]) -> int | None:
    """Return the smallest size that reaches 90 % of the highest throughput."""
    return next((size for size, rate in zip(sizes, rates, strict=True) if rate >= 0.9 * max(rates)), None)


def still_rising(rates: Sequence[float]) -> bool:
    """Return whether the last step brought more than 10 % of throughput."""
    return len(rates) >= 2 and math.isfinite(rates[-1]) and rates[-1] > 1.1 * max(rates[:-1])
