"""What each layer of a model costs when it alone is quantized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tauto.reports.comparison import Conditions, Quality
from tauto.reports.layers import LayerError
from tauto.reports.report import Report

__all__ = ["SensitivityReport", "SensitivityRow", "UnmeasuredLayer"]


@dataclass(frozen=True, slots=True)
class SensitivityRow:
    """One layer, quantized alone."""

    path: str
    """Dotted name in the model."""
    kind: str
    error: LayerError | None
    """Of the model's outputs; None when the budget ended before."""
    own: LayerError | None
    """Of the layer's output, given the original's inputs."""
    quality: tuple[Quality, ...]
    """The user's metrics; empty when they were not measured of this layer."""
    size_bytes: int
    """Of its weights as they are."""
    saved_bytes: int
    """By which quantizing makes them smaller: from shapes."""
    work_share: float | None
    """Its FLOPs over those of a call, 0 to 1: counted, not measured."""
    time_saved: float | None
    """Share of a call's time that quantizing may save at best, 0 to 1: an estimate from its work and the measured
    ceilings of this machine. None where the arithmetic stays in floating point."""
    also: tuple[str, ...] = ()
    """Layers that share its weights: these become smaller only when all are quantized."""


@dataclass(frozen=True, slots=True)
class UnmeasuredLayer:
    """A layer that was not measured at all, and why."""

    path: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class SensitivityReport(Report):
    """Every quantizable layer of a model, those that hurt most first."""

    kind: ClassVar[str] = "sensitivity"

    model: str
    bits: int
    activations: Literal["static", "dynamic", "none"]
    """How the inputs of the layers were rounded: in calibrated ranges, by rows as they come, or not."""
    rows: tuple[SensitivityRow, ...]
    unmeasured: tuple[UnmeasuredLayer, ...]
    together: LayerError | None
    """Of the model's outputs when all layers are quantized."""
    together_quality: tuple[Quality, ...]
    quality_rule: str
    evaluated: int
    """Layers of which the quality was measured, too."""
    samples: int
    batches: int
    size_bytes: int
    """Of the whole model."""
    conditions: Conditions
    budget_s: float
    wall_s: float
    interrupted: bool = False
