"""Allocated memory along the traced steps of a cell, by what it was allocated for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["AllocationSite", "MemoryCategory", "MemoryPeak", "MemoryTimeline"]

MemoryCategory = Literal["parameters", "gradients", "optimizer_state", "activations", "inputs", "other"]


@dataclass(frozen=True, slots=True)
class AllocationSite:
    """A place that allocates: a module and operator, and the line of the user's code where that is known."""

    module: str
    operator: str
    line: str
    """Such as ``train.py:12``; empty when it is not known."""
    bytes_per_step: int
    calls_per_step: float


@dataclass(frozen=True, slots=True)
class MemoryPeak:
    """The moment at which most was allocated."""

    time_ms: float
    total_bytes: int
    by_category: dict[MemoryCategory, int]
    module: str
    """Dotted path of the module at work, the root's name first; empty outside a model."""
    operator: str
    line: str
    """The line of the user's code that was at work; empty when it is not known."""
    phase: str


@dataclass(frozen=True, slots=True)
class MemoryTimeline:
    """Bytes of tensors that were alive at each moment, over the traced steps, at most a few hundred moments."""

    device: str
    times_ms: tuple[float, ...]
    """From the beginning of the cell."""
    categories: dict[MemoryCategory, tuple[int, ...]]
    """One value a moment."""
    peak: MemoryPeak
    steps: int
    allocated_bytes_per_step: int
    freed_bytes_per_step: int
    growth_bytes_per_step: int
    """What stayed from one step to the next (a leak when it goes on); 0 when it is within the noise."""
    growth_sites: tuple[AllocationSite, ...]
    sites: tuple[AllocationSite, ...]
    """Where most is allocated, largest first."""
