"""What each layer of a model may become by hand, and what that is expected to bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ChoicesReport", "EngineOption", "LayerChoice", "LayerEstimate", "LayerOption", "LayerPrecision"]

LayerPrecision = Literal["float32", "bfloat16", "int8"]


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """What one layer is to become."""

    precision: LayerPrecision = "float32"
    sparsity: float = 0.0
    """Share of its weights that is set to zero, the smallest first, 0 to below 1."""


@dataclass(frozen=True, slots=True)
class LayerOption:
    """One layer, and what each choice alone is expected to do. A noise is its power over that of the signal."""

    path: str
    kind: str
    size_bytes: int
    """Of its weights as they are."""
    int8_bytes: int
    """Of its weights in int8, with their scales."""
    bfloat16_bytes: int
    weights: int
    """Elements of its weights."""
    int8_noise: float | None
    """Of the model's outputs: measured by simulation; None where the analysis did not come to it."""
    bfloat16_noise: float | None
    """Of the model's outputs: estimated from what the same layer makes of the noise of int8."""
    zeros_noise: tuple[float, ...]
    """Likewise at each of :attr:`ChoicesReport.shares`; empty where its weights stay as they are."""
    int8_drop: float | None
    """Of the metric, in its unit: measured by simulation; None where it was not."""
    int8_time: float | None
    """Share of a call's time that it saves at best, 0 to 1; None where no arithmetic becomes faster."""
    bfloat16_time: float | None


@dataclass(frozen=True, slots=True)
class EngineOption:
    """What computes the layers, and in which precisions it does."""

    name: str
    title: str
    int8: tuple[str, ...]
    """Paths of the layers that it computes in int8."""
    bfloat16: tuple[str, ...]
    """Paths of the layers that it can compute in bfloat16, one by one."""
    others: tuple[str, ...] = ()
    """Layers that nobody chooses for, and that it would quantize if it were not told otherwise."""
    lacking: str = ""
    """Why it cannot be used here; empty where it can."""


@dataclass(frozen=True, slots=True)
class ChoicesReport:
    """All layers that can be chosen for, the most harmful in int8 first."""

    model: str
    size_bytes: int
    """Of the whole model."""
    shares: tuple[float, ...]
    """Shares of zeros at which the layers tell their noise, evenly from 0."""
    layers: tuple[LayerOption, ...]
    engines: tuple[EngineOption, ...]
    noise_scale: float
    """Noise of all layers in int8 together, over the sum of theirs alone: 1 where it was not measured."""
    drop_scale: float | None
    """The same of the metric's drop; None where drops are not known of all layers."""
    metric: str
    """That may drop; empty where none was evaluated."""
    allowed_drop: float | None


@dataclass(frozen=True, slots=True)
class LayerEstimate:
    """What choices are expected to bring together: an estimate, and no measurement."""

    size_bytes: int
    """Of the whole model. Zeros save nothing here: they are stored as any other number."""
    snr_db: float | None
    """Of the model's outputs; None where some layer's part is not known, infinite where nothing is rounded."""
    drop: float | None
    """Of the metric; None unless all that is changed is int8 and was evaluated."""
    time_saved: float | None
    """Share of a call's time, at best, 0 to 1."""
    zeros: float
    """Share of the weights of these layers that are zero."""
