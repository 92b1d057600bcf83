"""What the rules know beside the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Facts", "RootFacts"]


@dataclass(frozen=True, slots=True)
class RootFacts:
    """One root model, as the rules ask about it. The order is that of :attr:`ProfileReport.roots`."""

    name: str
    """Its name in the namespace; empty when it has none."""
    kind: str
    calls: int
    latency_ms: float
    """Mean of all its calls."""
    training_calls: int = 0
    grad_calls: int = 0
    """Calls under an enabled gradient."""
    trainable: bool = True
    operators_per_call: float = 0.0
    """That do work of their own, over the sampled calls."""
    precision: str = "float32"
    """In which most of its FLOPs ran."""
    convolutions: int = 0
    channels_last: bool = False
    foldable_norms: int = 0
    opaque: str = ""
    not_remembered: str = ""
    traced: bool = True

    @property
    def title(self) -> str:
        """What to call it in a sentence."""
        return self.name or self.kind


@dataclass(frozen=True, slots=True)
class Facts:
    """Gathered by the session."""

    roots: tuple[RootFacts, ...]
    backward_calls: int = 0
    backward_ms: float = 0.0
    step_ms: float = 0.0
    """In optimizers."""
    loader_share: float = 0.0
    """Of the traced time, spent waiting for a DataLoader."""
    gflops: Mapping[str, float] = field(default_factory=dict)
    """Measured ceilings by precision."""
    threads: int = 1
    cores: int = 1
    not_traced: str = ""
    """Why operators were not traced; empty when they were."""

    @property
    def trains(self) -> bool:
        """Whether the cell ran a backward pass."""
        return self.backward_calls > 0
