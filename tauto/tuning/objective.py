"""Whether a comparison is an improvement, and which of two is the larger one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tauto.reports import Comparison
from tauto.tuning.target import Target

__all__ = ["Decision", "Goal", "Objective", "quality_words", "speed_words"]

Objective = Literal["latency", "size"]

SMALLER = 0.9
"""A size ratio below this is worth having."""
AS_FAST = 0.9
"""A speedup below this is a loss of speed, also where noise leaves open whether there is none."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a candidate improves the objective with its quality held, and why in words."""

    improves: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Goal:
    """What counts as an improvement.

    Parameters
    ----------
    objective : {"latency", "size"}
        What must improve.
    or_smaller : bool
        Accept, for the latency objective, a candidate that is as fast and clearly smaller.
    as_asked : bool
        Accept a candidate whose quality holds, however fast it is: the user asked for it by name.
    target : Target or None
        What must be reached, measured; of those that do, the one that loses least is the best.
    """

    objective: Objective = "latency"
    or_smaller: bool = False
    as_asked: bool = False
    target: Target | None = None

    @property
    def only_speed_counts(self) -> bool:
        """Whether a candidate that is clearly slower can be given up without a further look."""
        return self.objective == "latency" and not (self.or_smaller or self.as_asked or self.target)

    def decide(self, comparison: Comparison) -> Decision:
        """Judge one candidate against the original."""
        speed, size = speed_words(comparison), _size_words(comparison)
        smaller = comparison.size_ratio <= SMALLER
        if comparison.quality_held is False:
            return Decision(False, f"{speed}, but the quality does not hold: {quality_words(comparison)}")
        if self.as_asked:
            return Decision(True, speed)
        if self.target is not None:
            return self._decide_by(self.target, comparison)
        if self.objective == "size":
            return Decision(smaller and comparison.verdict != "worse", f"{size}, {speed}")
        if comparison.verdict == "same" and self.or_smaller and smaller:
            return self._decide_as_fast(comparison)
        return Decision(comparison.verdict == "better", speed)

    def _decide_as_fast(self, comparison: Comparison) -> Decision:
        size, low, high = _size_words(comparison), comparison.speedup_interval.low, comparison.speedup_interval.high
        if comparison.speedup < AS_FAST:
            return Decision(False, f"{size}, {speed_words(comparison)}")
        words = "as fast" if low >= AS_FAST else "not shown to be slower"
        return Decision(True, f"{words} ({comparison.speedup:.2f}×, {low:.2f}–{high:.2f}) and {size}")

    def _decide_by(self, target: Target, comparison: Comparison) -> Decision:
        words = _size_words(comparison) if target.kind == "size" else speed_words(comparison)
        if target.already(comparison):
            return Decision(False, f"{words}; the original itself is within {target} already")
        if not target.met(comparison):
            return Decision(False, f"{words}: {target.figure(comparison)} is short of {target}")
        worse = comparison.verdict == "worse" or (target.kind != "size" and comparison.verdict != "better")
        return Decision(not worse, f"{words}: {target.figure(comparison)} reaches {target}")

    def gain(self, comparison: Comparison) -> float:
        """Return a figure that is larger for the better candidate: what the interval guarantees."""
        if self.target is not None:
            close = comparison.agreement
            lost = comparison.quality_drop if comparison.quality_drop is not None else close and close.relative_error
            return -(lost or 0.0)
        return comparison.speedup_interval.low if self.objective == "latency" else 1 / comparison.size_ratio


def _size_words(comparison: Comparison) -> str:
    ratio = comparison.size_ratio
    return f"{1 / ratio:.1f}× smaller" if ratio <= SMALLER else f"no smaller ({ratio:.2f} of the size)"


def speed_words(comparison: Comparison) -> str:
    """Return the speedup with its interval in words."""
    low, high = comparison.speedup_interval.low, comparison.speedup_interval.high
    if comparison.verdict == "same" and high > 1.1:
        return f"not shown to be faster: between {low:.2f}× and {high:.2f}×"
    word = {"better": "faster", "same": "no faster", "worse": "slower"}[comparison.verdict]
    return f"{word}: {comparison.speedup:.2f}× ({low:.2f}–{high:.2f})"


def quality_words(comparison: Comparison) -> str:
    """Return what was lost in words."""
    lost = [row for row in comparison.quality if not row.held]
    if lost:
        row = max(lost, key=lambda each: each.drop - each.allowed_drop)
        return f"{row.metric} {row.original:.4g} → {row.optimized:.4g} (allowed drop {row.allowed_drop:.2g})"
    if comparison.agreement is not None:
        close = comparison.agreement
        return f"cosine {close.cosine:.4f}, relative error {close.relative_error:.1%} to the original's outputs"
    return "not judged"
