"""Allocated memory along the traced steps of a cell, by what it was allocated for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["AllocationSite", "MemoryCategory", "MemoryPeak", "MemoryTimeline"]

MemoryCategory = Literal["parameters", "gradients", "optimizer_state", "activations", "inputs", "other"]
"""What bytes are for.

``parameters`` counts buffers too. ``gradients`` are those of parameters and those that flow back through a backward
pass. ``activations`` are results of operators in a forward pass or a loss, also where checkpointing computes them
again. ``inputs`` is what a model was called with and what a DataLoader gave. ``other`` is the rest: the workspace of
operators, and whatever the cell made outside of these.
"""


@dataclass(frozen=True, slots=True)
class AllocationSite:
    """A place that allocates: a module and operator, and the line of the user's code where that is known."""

    module: str
    """Dotted path, the root's name first; empty outside a model. In a backward pass, that of the forward operator."""
    operator: str
    """Such as ``aten::linear``; in a backward pass the node, such as ``AddmmBackward0``."""
    line: str
    """Such as ``train.py:12``; empty when it is not known."""
    bytes_per_step: int
    calls_per_step: float
    phase: str = "other"
    """Such as ``backward``; see :class:`tauto.reports.profile.Phase`."""


@dataclass(frozen=True, slots=True)
class MemoryPeak:
    """The moment at which most was allocated."""

    time_ms: float
    """From the beginning of the cell."""
    total_bytes: int
    by_category: dict[MemoryCategory, int]
    module: str
    """Dotted path of the module at work, the root's name first; empty outside a model."""
    operator: str
    line: str
    """The line of the user's code that was at work; empty when it is not known."""
    phase: str

    def share(self, category: MemoryCategory) -> float:
        """Return the share of the peak that was for ``category``, 0 to 1.

        Examples
        --------
        >>> MemoryPeak(0.0, 200, {"activations": 150, "inputs": 50}, "", "", "", "forward").share("activations")
        0.75
        """
        return self.by_category.get(category, 0) / self.total_bytes if self.total_bytes else 0.0


@dataclass(frozen=True, slots=True)
class MemoryTimeline:
    """Bytes of tensors that were alive at each moment, over the traced steps, at most a few hundred moments.

    What lived before a traced stretch and neither belongs to a model or optimizer seen in it nor was its input counts
    on an accelerator only (as ``other``): on the CPU nobody knows it.
    """

    device: str
    times_ms: tuple[float, ...]
    """From the beginning of the cell. Each moment's bytes hold until the next."""
    categories: dict[MemoryCategory, tuple[int, ...]]
    """One value a moment."""
    peak: MemoryPeak
    steps: int
    """Over how many steps the figures per step are means."""
    allocated_bytes_per_step: int
    freed_bytes_per_step: int
    growth_bytes_per_step: int
    """What stayed from one step to the next (a leak when it goes on); 0 when it is within the noise."""
    growth_sites: tuple[AllocationSite, ...]
    sites: tuple[AllocationSite, ...]
    """Where most is allocated, largest first."""
    start_bytes: int = 0
    """Alive when the first traced stretch began."""
    windows: tuple[int, ...] = (0,)
    """Index of the first moment of each traced stretch; between two stretches nothing was seen."""
    growth_steps: int = 0
    """Over how many steps growth was looked for; 0 when the traced stretches were too short to tell."""

    @property
    def totals(self) -> tuple[int, ...]:
        """All categories together, one value a moment."""
        return tuple(map(sum, zip(*self.categories.values(), strict=True)))
