"""A figure that a model is to reach, by measuring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tauto.reports import Comparison

__all__ = ["Target"]

NEARLY = 0.95
"""A speed whose interval holds the asked one counts as reached from this share of it on."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for.

    Parameters
    ----------
    kind : {"speedup", "latency", "size"}
        Of which figure.
    value : float
        A factor, milliseconds of a call, or bytes to ship.
    """

    kind: Literal["speedup", "latency", "size"]
    value: float

    def __str__(self) -> str:
        if self.kind == "speedup":
            return f"{self.value:g}×"
        if self.kind == "latency":
            return f"{self.value:g} ms"
        return _size(self.value)

    def reached(self, comparison: Comparison) -> float:
        """Return how far the optimized model comes: 1 is the target, more is better."""
        if self.kind == "speedup":
            return comparison.speedup / self.value
        if self.kind == "latency":
            # the original was timed beside it: what both had to suffer is in its own figure, too
            return self.value / comparison.optimized.latency.p50_ms
        return self.value / comparison.optimized.size_bytes

    def met(self, comparison: Comparison) -> bool:
        """Return whether the target is reached, as far as the timing can tell."""
        reached = self.reached(comparison)
        if self.kind == "size":
            return reached >= 1
        room = comparison.speedup_interval.high / max(comparison.speedup, 1e-12)
        return reached >= 1 or (reached >= NEARLY and reached * room >= 1)

    def already(self, comparison: Comparison) -> bool:
        """Return whether the original is there by itself."""
        if self.kind == "speedup":
            return False
        original = comparison.original
        return (original.size_bytes if self.kind == "size" else original.latency.p50_ms) <= self.value

    def figure(self, comparison: Comparison) -> str:
        """Return what was reached, in the target's unit."""
        if self.kind == "speedup":
            return f"{comparison.speedup:.2f}×"
        if self.kind == "latency":
            return f"{comparison.optimized.latency.p50_ms:.3g} ms"
        return _size(comparison.optimized.size_bytes)


def _size(count: float) -> str:
    return f"{count / 1e6:.3g} MB" if count >= 1e6 else f"{count / 1e3:.3g} kB"
