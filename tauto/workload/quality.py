"""What "the quality holds" means for a workload, and how the user's ``evaluate`` is called."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import torch
from torch import nn

from tauto.config import Drop, parse_drop
from tauto.errors import EvaluateError, InvalidArgument, a_kind, did_you_mean
from tauto.reports import Agreement, Quality

__all__ = [
    "DEFAULT_DROP",
    "MAX_RELATIVE_ERROR",
    "MIN_COSINE",
    "MIN_SAMPLES",
    "NEARNESS",
    "QualityRule",
    "name_of",
    "run_evaluate",
]

MIN_COSINE = 0.99
MAX_RELATIVE_ERROR = 0.10
MIN_SAMPLES = 64
DEFAULT_DROP = "1%"
NEARNESS = f"cosine ≥ {MIN_COSINE} and relative error ≤ {MAX_RELATIVE_ERROR:.0%}"
"""To the original's outputs, in words: what holds where nothing is evaluated."""

Evaluate = Callable[[nn.Module], Any]


@dataclass(frozen=True, slots=True)
class QualityRule:
    """How much may be lost, of which metric, and which direction is good.

    Parameters
    ----------
    max_drop : Drop
        Largest loss allowed; 1 % of the original's figure unless said.
    metric : str or None
        The metric to judge when ``evaluate`` returns several; None judges all of them.
    higher_is_better : bool
        Direction of the judged metrics.
    """

    max_drop: Drop = field(default_factory=lambda: parse_drop(DEFAULT_DROP))
    metric: str | None = None
    higher_is_better: bool = True

    def judge(self, original: Mapping[str, float], optimized: Mapping[str, float]) -> tuple[Quality, ...]:
        """Return one :class:`~tauto.reports.Quality` for each judged metric."""
        sign = 1.0 if self.higher_is_better else -1.0
        rows = []
        for name in self.judged(original):
            before, after = original[name], optimized.get(name, math.nan)
            drop, allowed = sign * (before - after), self.max_drop.allowed(before)
            # a rounding of the subtraction must not reject a drop that is exactly the allowed one
            held = drop <= allowed + 1e-9 * max(1.0, abs(before))
            rows.append(Quality(name, before, after, drop, allowed, self.higher_is_better, held))
        return tuple(rows)

    def judged(self, metrics: Mapping[str, float]) -> list[str]:
        """Return the names of the metrics this rule judges.

        Raises
        ------
        InvalidArgument
            When ``metric`` is not among what ``evaluate`` returned.
        """
        if self.metric is None:
            return list(metrics)
        if self.metric not in metrics:
            raise InvalidArgument(
                f"metric: evaluate returned no {self.metric!r}. {did_you_mean(self.metric, metrics)}".rstrip()
            )
        return [self.metric]

    def agreement_held(self, agreement: Agreement) -> bool | None:
        """Judge outputs when there is no ``evaluate``: None when held over fewer than 64 inputs."""
        close = agreement.cosine >= MIN_COSINE and agreement.relative_error <= MAX_RELATIVE_ERROR
        if close and agreement.samples < MIN_SAMPLES:
            return None
        return close

    def describe(self, has_evaluate: bool, samples: int) -> str:
        """Return the rule in words."""
        if has_evaluate:
            name = self.metric or "every metric of evaluate"
            better = "higher" if self.higher_is_better else "lower"
            return f"{name} may get worse by at most {self.max_drop} ({better} is better)"
        rule = f"outputs within {NEARNESS} of the original's over {samples} inputs"
        if samples < MIN_SAMPLES:
            rule = f"{rule}; quality unproved below {MIN_SAMPLES}: give data or evaluate"
        return rule


def name_of(evaluate: Evaluate) -> str:
    """Return what a single figure of ``evaluate`` is called: as the function, or quality where that has no name."""
    name = str(getattr(evaluate, "__name__", ""))
    return name if name.isidentifier() else "quality"


def run_evaluate(evaluate: Evaluate, model: nn.Module) -> dict[str, float]:
    """Call the user's ``evaluate`` on ``model`` without gradients and return named finite metrics.

    Raises
    ------
    EvaluateError
        When it raises, returns nothing, something that is not a number, or NaN or infinity.
    """
    name = name_of(evaluate)
    try:
        with torch.no_grad():
            value = evaluate(model)
    except Exception as error:
        raise EvaluateError(f"evaluate: {name} raised {type(error).__name__}: {error}") from error
    items = dict(value) if isinstance(value, Mapping) else {name: value}
    if value is None or not items:
        raise EvaluateError(f"evaluate: {name} returned nothing. Return a number, or a dict of numbers.")
    return {str(key): _number(item, name, str(key)) for key, item in items.items()}


def _number(item: Any, function: str, key: str) -> float:
    if isinstance(item, torch.Tensor) and item.numel() == 1:
        item = item.item()
    if isinstance(item, bool) or not (isinstance(item, Real) or hasattr(item, "__float__")):
        raise EvaluateError(
            f"evaluate: {function} returned {a_kind(item)} for {key!r}. Return a number, or a dict of numbers."
        )
    try:
        number = float(item)
    except (TypeError, ValueError, RuntimeError) as error:
        raise EvaluateError(
            f"evaluate: {function} returned {a_kind(item)} for {key!r} that is no single number ({error})."
        ) from None
    if not math.isfinite(number):
        raise EvaluateError(f"evaluate: {function} returned {number} for {key!r}, not a finite number.")
    return number
