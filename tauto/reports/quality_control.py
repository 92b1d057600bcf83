"""Which layers had to stay in floating point, how sure a drop is, and what int8 has no fast kernel for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ControlReport", "ControlStep", "DropConfidence", "KeptLayer", "KernelNote", "ModelLayer"]


@dataclass(frozen=True, slots=True)
class KeptLayer:
    """A layer that quality control left in floating point."""

    path: str
    kind: str
    snr_db: float | None
    """Signal over noise of the model's outputs with this layer alone quantized, simulated; None when not measured."""
    drop: float | None
    """Of the metric with this layer alone quantized; None when not measured."""


@dataclass(frozen=True, slots=True)
class ControlStep:
    """One attempt: how many layers were kept, and what came of it."""

    trial: int
    kept: int
    drop: float | None
    """Of the metric, in its unit; without ``evaluate`` the relative error of the outputs."""
    allowed: float | None
    held: bool | None
    """None when it could not be measured."""


@dataclass(frozen=True, slots=True)
class ControlReport:
    """What quality control made of one recipe that lost too much."""

    base: str
    """The recipe in words."""
    base_trial: int
    met: bool
    """Whether some of its layers in floating point hold the quality."""
    trial: int | None
    """The trial with the fewest kept layers that holds it; where none does, the nearest."""
    kept: tuple[KeptLayer, ...]
    """Kept in that trial; where none holds, the layers that resist."""
    layers: int
    """That the recipe quantizes, as far as their structure tells."""
    steps: tuple[ControlStep, ...]
    reranked: int
    """How often the order was measured again, because keeping more made it worse."""
    samples: int
    """That the order of the layers was measured over."""
    reason: str = ""
    """Why it ended without success, in words."""


@dataclass(frozen=True, slots=True)
class DropConfidence:
    """How sure a drop is."""

    metric: str
    drop: float
    allowed_drop: float
    low: float | None
    """Of a 95 % interval of the drop; None when there is none, for ``reason``."""
    high: float | None
    samples: int | None
    """That ``evaluate`` called the model with; None when it was not seen to call it."""
    noise: float | None
    """By which the original's own figure moved when it was evaluated twice; None when it was evaluated once."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class KernelNote:
    """Something that int8 will not make faster here, told before any work: from structure and hardware alone."""

    subject: str
    """``machine``, or which layers, in a few words."""
    layers: tuple[str, ...]
    """Their names; empty for the machine."""
    reason: str
    remedy: str = ""
    """Which engine would have a kernel; empty when none."""


@dataclass(frozen=True, slots=True)
class ModelLayer:
    """One layer of the winner beside the original's."""

    name: str
    kind: str
    precision: str | None
    """What its weights are kept in, such as ``float32`` or ``int8``; None when it is not known."""
    sparsity: float | None
    """Share of its weights that is zero, 0 to 1."""
    size_bytes: int
    """Of the original's weights and biases."""
    optimized_bytes: int | None
    """Of the winner's; None when that cannot be told by layer."""
    sensitivity_db: float | None
    """Signal over noise of the outputs with this layer alone quantized; None when it was not measured."""
    reason: str = ""
    """Why something is not known, or that the precision is what was asked for and not looked up."""
