"""Whether a comparison is an improvement, and which of two is the larger one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tauto.reports import Comparison, TrialReport
from tauto.tuning.losses import loss_of
from tauto.tuning.target import Target

__all__ = ["Decision", "Factors", "Goal", "Objective", "quality_words", "speed_words"]

Objective = Literal["latency", "throughput", "memory", "size"]
_SPEED: frozenset[Objective] = frozenset({"latency", "throughput"})

SMALLER = 0.9
"""A ratio of sizes, or of memories, below this is worth having."""
AS_FAST = 0.9
"""A speedup below this is a loss of speed, also where noise leaves open whether there is none."""
TOO_SLOW = 0.5
"""What is asked to be small may be slower, but not so much."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a candidate improves the objective with its quality held, and why in words."""

    improves: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Factors:
    """A gain over the original as factors: the ends of its interval, and what was measured."""

    certain: float
    measured: float
    possible: float


@dataclass(frozen=True, slots=True)
class Goal:
    """What counts as an improvement.

    Parameters
    ----------
    objective : {"latency", "throughput", "memory", "size"}
        What must improve; at one batch size the throughput is the latency, told in samples a second.
    or_smaller : bool
        Accept, for the latency objective, a candidate that is as fast and clearly smaller.
    as_asked : bool
        Accept a candidate whose quality holds, however fast it is: the user asked for it by name.
    target : Target or None
        What must be reached, measured; of those that do, the one that loses least is the best.
    constraints : tuple of Target
        What must be kept to, whatever improves. Where the original itself breaks one, a candidate that keeps to all
        of them is an improvement.
    """

    objective: Objective = "latency"
    or_smaller: bool = False
    as_asked: bool = False
    target: Target | None = None
    constraints: tuple[Target, ...] = ()

    @property
    def only_speed_counts(self) -> bool:
        """Whether a candidate that is clearly slower can be given up without a further look."""
        return self.objective in _SPEED and not (self.or_smaller or self.as_asked or self.target or self.constraints)

    @property
    def needs_memory(self) -> bool:
        """Whether the memory of each candidate must be measured."""
        return self.objective == "memory" or any(limit.kind == "memory" for limit in self.constraints)

    def broken(self, comparison: Comparison) -> tuple[Target, ...]:
        """Return the constraints that the candidate breaks, the one it is farthest from first."""
        over = [limit for limit in self.constraints if not limit.kept(comparison)]
        return tuple(sorted(over, key=lambda limit: limit.reached(comparison)))

    def decide(self, comparison: Comparison) -> Decision:
        """Judge one candidate against the original."""
        speed = speed_words(comparison)
        smaller = comparison.size_ratio <= SMALLER
        if comparison.quality_held is False:
            joined = "but" if comparison.verdict == "better" else "and"
            return Decision(False, f"{speed}, {joined} the quality does not hold: {quality_words(comparison)}")
        if broken := self.broken(comparison):
            words = " and ".join(f"{limit.figure(comparison)} breaks the {limit.words}" for limit in broken)
            return Decision(False, f"{speed}, but {words}")
        if self.as_asked:
            return Decision(True, speed)
        if self.target is not None:
            return self._decide_by(self.target, comparison)
        if relieved := [limit for limit in self.constraints if not limit.already(comparison)]:
            words = " and ".join(f"{limit.figure(comparison)} keeps to the {limit.words}" for limit in relieved)
            return Decision(True, f"{speed}; {words}, which the original does not")
        if self.objective in {"size", "memory"}:
            return self._decide_by_room(comparison)
        if comparison.verdict == "same" and self.or_smaller and smaller:
            return self._decide_as_fast(comparison)
        return Decision(comparison.verdict == "better", speed)

    def _decide_as_fast(self, comparison: Comparison) -> Decision:
        size, low, high = _size_words(comparison), comparison.speedup_interval.low, comparison.speedup_interval.high
        if comparison.speedup < AS_FAST or not comparison.speedup_interval.tells:
            return Decision(comparison.speedup >= AS_FAST, f"{size}, {speed_words(comparison)}")
        words = "as fast" if low >= AS_FAST else "not shown to be slower"
        return Decision(True, f"{words} ({comparison.speedup:.2f}×, {low:.2f}–{high:.2f}) and {size}")

    def _decide_by(self, target: Target, comparison: Comparison) -> Decision:
        words = _size_words(comparison) if target.kind == "size" else speed_words(comparison)
        if target.already(comparison):
            return Decision(False, f"{words}; the original itself is within {target} already")
        if not target.met(comparison):
            return Decision(False, f"{words}: {target.figure(comparison)} is short of {target}")
        worse = comparison.verdict == "worse" or (target.kind != "size" and comparison.verdict != "better")
        reaches = "reaches" if target.kept(comparison) else "is, as far as the timing can tell,"
        return Decision(not worse, f"{words}: {target.figure(comparison)} {reaches} {target}")

    def _decide_by_room(self, comparison: Comparison) -> Decision:
        """Smaller, which is what was asked for; more than twice the time is too dear, unless a constraint allows it."""
        ratio = self._room_ratio(comparison)
        words = f"{self._room_words(comparison)}, {speed_words(comparison)}"
        if ratio is None or ratio > SMALLER:
            return Decision(False, words)
        timed = any(limit.kind in {"latency", "p95", "throughput"} for limit in self.constraints)
        if comparison.speedup < TOO_SLOW and not timed:
            surely = comparison.speedup_interval.high < TOO_SLOW
            how = "more than twice the time" if surely else "it may take more than twice the time"
            return Decision(False, f"{words}: {how}, which nothing allows")
        return Decision(True, words)

    def _room_ratio(self, comparison: Comparison) -> float | None:
        return comparison.size_ratio if self.objective == "size" else comparison.memory_ratio

    def _room_words(self, comparison: Comparison) -> str:
        return _size_words(comparison) if self.objective == "size" else _memory_words(comparison)

    def gain(self, comparison: Comparison) -> float:
        """Return a figure that is larger for the better candidate: what the interval guarantees."""
        if self.target is not None:
            close = comparison.agreement
            lost = comparison.quality_drop if comparison.quality_drop is not None else close and close.relative_error
            return -(lost or 0.0)
        return self.factors(comparison).certain

    def rank(self, comparison: Comparison) -> tuple[float, float]:
        """Return what sorts candidates: of those that are told to be as small, the faster is the better."""
        gain = self.gain(comparison)
        if self.objective in _SPEED or self.target is not None:
            return gain, 0.0
        return round(gain, 1), comparison.speedup_interval.low

    def factors(self, comparison: Comparison) -> Factors:
        """Return by which factor the objective is better than the original's."""
        if self.objective in _SPEED:
            interval = comparison.speedup_interval
            return Factors(interval.low, comparison.speedup, interval.high)
        ratio = self._room_ratio(comparison)
        factor = 1 / ratio if ratio else 0.0
        return Factors(factor, factor, factor)

    def excess(self, trial: TrialReport) -> float:
        """Return how far ``trial`` is from what is allowed, as a share of it; 0 or less where it keeps to all."""
        lost, compared = loss_of(trial), trial.comparison
        over = [lost.excess / (abs(lost.allowed) or 1.0)] if lost is not None and not lost.held else []
        over += [1 / max(limit.reached(compared), 1e-9) - 1 for limit in self.broken(compared)] if compared else []
        return max(over, default=0.0 if compared else 1.0)


def _size_words(comparison: Comparison) -> str:
    ratio = comparison.size_ratio
    return f"{1 / ratio:.1f}× smaller" if ratio <= SMALLER else f"no smaller ({ratio:.2f} of the size)"


def _memory_words(comparison: Comparison) -> str:
    ratio = comparison.memory_ratio
    if ratio is None:
        return f"memory not known ({comparison.optimized.memory.reason or 'not measured'})"
    return f"{1 / ratio:.1f}× less memory" if ratio <= SMALLER else f"no less memory ({ratio:.2f} of it)"


def speed_words(comparison: Comparison) -> str:
    """Return the speedup with its interval in words."""
    interval = comparison.speedup_interval
    if comparison.verdict == "same" and not interval.tells:
        return f"not shown to be faster: {interval.words}, since this machine stood still in between"
    if comparison.verdict == "same" and interval.high > 1.1:
        return f"not shown to be faster: {interval.words}"
    word = {"better": "faster", "same": "no faster", "worse": "slower"}[comparison.verdict]
    if not interval.tells:
        return f"{word}: {interval.words}"
    return f"{word}: {comparison.speedup:.2f}× ({interval.low:.2f}–{interval.high:.2f})"


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
