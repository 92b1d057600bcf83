"""An optimized model held against the original, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tauto.reports.comparison import Conditions
from tauto.reports.report import Report

__all__ = ["LayerError", "LayerRow", "LayersReport", "UnmatchedLayer"]


@dataclass(frozen=True, slots=True)
class LayerError:
    """How far values are from the original's, pooled over every tensor of every call and every batch.

    The first four are of floating-point values, None where there are none; ``changed`` is of the others.
    """

    snr_db: float | None
    """Signal over quantization noise, ``10 · log10(Σ ref² / Σ (out − ref)²)`` in dB; infinite when equal."""
    relative_error: float | None
    """``‖out − ref‖ / ‖ref‖`` (Euclidean); infinite where the original is zero and the other is not."""
    cosine: float | None
    max_abs_error: float | None
    changed: float | None
    """Share of integers and booleans that differ, 0 to 1."""
    not_finite: int
    """Values that are NaN or infinite in one of the two alone: the SNR is then −∞, the errors ∞, the cosine None."""


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer of both models, with the same inputs given to the models."""

    path: str
    """Dotted name in the original, without what wraps the model."""
    kind: str
    """Its class in the original; the type of its weights where that is not float32."""
    became: str
    """The same in the optimized model."""
    absorbed: tuple[str, ...]
    """Layers after it that were folded into it: the original's output is that of the last of them."""
    calls: int
    """Calls in one call of the model; their errors are pooled."""
    error: LayerError
    """Of the layer's output."""
    own: LayerError | None
    """Of what the optimized layer makes of the original's inputs: what it adds itself. None: see ``own_reason``."""
    inherited: float | None
    """What it makes of the error in its inputs: the rest of the error, over the length of the original's output."""
    own_reason: str = ""


@dataclass(frozen=True, slots=True)
class UnmatchedLayer:
    """A layer that was not compared, and why."""

    path: str
    kind: str
    side: Literal["original", "optimized", "both"]
    """In which of the models it is."""
    reason: str


@dataclass(frozen=True, slots=True)
class LayersReport(Report):
    """Every layer that two models share, in the order in which the original ran them."""

    kind: ClassVar[str] = "layers"

    original: str
    optimized: str
    output: LayerError
    """Of what the models return, run as they are."""
    rows: tuple[LayerRow, ...]
    unmatched: tuple[UnmatchedLayer, ...]
    closed: str
    """Why no layers were compared, in words; empty when they were."""
    uncompiled: tuple[str, ...]
    """Models of which the layers were run as they are written, since compiled code has none."""
    starts: str | None
    """The first layer that adds an error above rounding; None when none does."""
    worst: str | None
    """The layer that adds the largest error."""
    samples: int
    batches: int
    conditions: Conditions
