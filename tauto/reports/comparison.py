"""Two variants, measured interleaved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tauto.reports.measurement import Measurement
from tauto.reports.report import Report

__all__ = ["Agreement", "Comparison", "Conditions", "Interval", "Quality", "Verdict"]

Verdict = Literal["better", "same", "worse"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval; widened to 99 % where the timing did not settle (the comparison says so)."""

    low: float
    high: float

    @property
    def tells(self) -> bool:
        """Whether its ends are near enough to each other for a figure between them to mean something."""
        return self.high <= 20 * self.low

    @property
    def words(self) -> str:
        """Such as ``between 0.91× and 1.32×``; an end that is out of all reason is not told in full."""
        if self.low > 100 or self.high < 0.01:
            return "over 100×" if self.low > 100 else "under 0.01×"
        low = f"{self.low:.2f}×" if self.low >= 0.01 else "under 0.01×"
        high = f"{self.high:.2f}×" if self.high <= 100 else "over 100×"
        return f"between {low} and {high}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What held for both sides alike."""

    machine: str
    fingerprint: str
    device: str
    threads: int
    shapes: tuple[str, ...]
    """Boundary shapes and dtypes of the inputs, such as ``float32[1, 3, 224, 224]``."""
    batch: int
    mode: str = "eval() under inference_mode()"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How close the outputs are to the original's, over ``samples`` inputs.

    ``cosine`` is the worst cosine similarity and ``relative_error`` the worst ``‖out − ref‖ / ‖ref‖`` over
    batches and floating-point outputs; ``same_answer`` is the share of samples whose arg max is unchanged
    (None when the outputs are not class scores).
    """

    cosine: float
    relative_error: float
    same_answer: float | None
    samples: int


@dataclass(frozen=True, slots=True)
class Quality:
    """The user's metric before and after; ``drop`` is in the metric's unit, positive when it got worse."""

    metric: str
    original: float
    optimized: float
    drop: float
    allowed_drop: float
    higher_is_better: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Comparison(Report):
    """``optimized`` against ``original``, timed in interleaved blocks under the same conditions."""

    kind: ClassVar[str] = "comparison"

    original: Measurement
    optimized: Measurement
    conditions: Conditions
    speedup: float
    """Latency of the original over latency of the optimized; above 1 is faster."""
    speedup_interval: Interval
    size_ratio: float
    """Size of the optimized over the original's; below 1 is smaller."""
    memory_ratio: float | None
    quality_drop: float | None
    """Largest drop over the judged metrics, in the metric's unit; None without ``evaluate``."""
    quality_held: bool | None
    """None when quality is unproved: no ``evaluate`` and too few varied inputs."""
    quality_rule: str
    """Which rule judged the quality, in words."""
    agreement: Agreement | None
    verdict: Verdict
    """About latency: better when the interval's lower end is above 1.02, worse when its upper end is below 0.98."""
    settled: bool
    """Whether the interval became narrower than ±3 % before the time cap."""
    preparation_s: float | None = None
    break_even_calls: int | None = None
    """Calls after which the preparation has paid for itself; None when it never does or is unknown."""
    quality: tuple[Quality, ...] = field(default=())
