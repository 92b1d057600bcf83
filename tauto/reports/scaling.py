"""How time, memory and work grow with the size of an input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tauto.reports.measurement import Latency
from tauto.reports.report import Report

__all__ = ["Growth", "Order", "Quantity", "ScalePoint", "ScaleSeries", "ScalingReport", "SizeLeftOut"]

Quantity = Literal["time", "memory", "flops"]
Order = Literal["1", "n", "n log n", "n²", "n³"]


@dataclass(frozen=True, slots=True)
class ScalePoint:
    """One size."""

    size: int
    latency: Latency
    """Of one call; its throughput is in :attr:`ScalingReport.unit` a second."""
    flops: int | None
    """Counted, of one call; None when it was not traced."""
    peak_bytes: int | None
    """Largest growth of what torch allocates, within one call."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How one quantity grows with the size ``n``."""

    quantity: Quantity
    order: Order | None
    """Of the model that fits best; None when the sizes do not tell."""
    r_squared: float | None
    """Of that fit, over the logarithms of measured and fitted values; 1 is perfect."""
    exponent: float | None
    """Slope of ``log(value)`` against ``log(n)`` over the upper half of the sizes."""
    shares: dict[Order, float] = field(default_factory=dict)
    """At the largest size, the share of each term of the fitted sum."""
    rivals: tuple[Order, ...] = ()
    """Orders that fit about as well, or would be named without one of the sizes."""
    reason: str = ""
    """Why there is no order."""


@dataclass(frozen=True, slots=True)
class ScaleSeries:
    """One way of running the model, over the sizes."""

    name: str
    """Empty when there is only one way."""
    points: tuple[ScalePoint, ...]
    growths: tuple[Growth, ...]
    best: int | None
    """The smallest size whose throughput is within 2 % of the highest."""
    knee: int | None
    """The smallest size that reaches 90 % of the highest throughput."""
    still_rising: bool
    """Whether the last step of size still brought more than 10 % of throughput: the best may lie beyond."""


@dataclass(frozen=True, slots=True)
class SizeLeftOut:
    """Sizes that were not measured, and why."""

    sizes: tuple[int, ...]
    reason: str
    series: str = ""


@dataclass(frozen=True, slots=True)
class ScalingReport(Report):
    """One model, called with one dimension of its inputs at several sizes."""

    kind: ClassVar[str] = "scaling"

    model: str
    scale: str
    """As it was asked for, such as ``batch=1..64``."""
    dimension: str
    """Its name, such as ``batch``."""
    dimensions: tuple[str, ...]
    """The input dimensions that were changed, such as ``input_ids.1``."""
    unit: str
    """What is counted a second: ``samples``, ``positions`` or ``tokens``."""
    series: tuple[ScaleSeries, ...]
    left_out: tuple[SizeLeftOut, ...]
    shapes: tuple[str, ...]
    """Of the inputs as they were given."""
    uncounted: tuple[str, ...]
    """Operators whose FLOPs are not counted."""
    machine: str
    fingerprint: str
    device: str
    threads: int
    budget_s: float
    wall_s: float
