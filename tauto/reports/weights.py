"""What the weights of a model are like: what quantization and pruning will meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tauto.reports.report import Report

__all__ = ["SkippedWeight", "WeightRow", "WeightsReport"]


@dataclass(frozen=True, slots=True)
class WeightRow:
    """One parameter. All figures are of its finite values; shares are of these too, 0 to 1."""

    name: str
    """Dotted name of the parameter, such as ``stage1.conv.weight``."""
    kind: str
    """Class of the module that owns it."""
    dtype: str
    shape: tuple[int, ...]
    elements: int
    not_finite: int
    """NaN and infinite values; they are in no other figure."""
    low: float
    high: float
    mean: float
    deviation: float
    excess_kurtosis: float | None
    """0 for a normal distribution, above it for heavier tails; None for constant values."""
    outliers: int
    """Values more than six standard deviations from the mean."""
    zeros: float
    """Share that is exactly zero."""
    below: tuple[float, ...]
    """Share whose magnitude is at most each of :attr:`WeightsReport.thresholds`."""
    smallest_half: float | None
    """Share of the squared sum that the half of smallest magnitude makes: what pruning half of it would take."""
    histogram: tuple[int, ...]
    """Counts in equal bins from ``low`` to ``high``."""
    channels: int | None
    """Output channels; None where there are none (a bias)."""
    dead_channels: int
    """Channels whose largest magnitude is at most a millionth of the parameter's."""
    int8_tensor_db: float | None
    """Signal over noise of rounding to symmetric int8 with one scale, in dB; None for a vector, infinite when exact."""
    int8_channel_db: float | None
    """The same with a scale for each output channel."""
    also: tuple[str, ...] = ()
    """Other names of the same weights; they count once."""


@dataclass(frozen=True, slots=True)
class SkippedWeight:
    """Weights that were not analysed, and why."""

    name: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class WeightsReport(Report):
    """Every parameter of a model, in order of the model."""

    kind: ClassVar[str] = "weights"

    model: str
    elements: int
    """Of all rows."""
    size_bytes: int
    thresholds: tuple[float, ...]
    """Magnitudes, in the weights' own unit."""
    rows: tuple[WeightRow, ...]
    skipped: tuple[SkippedWeight, ...] = ()
