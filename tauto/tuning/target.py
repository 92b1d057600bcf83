"""A figure that a model is to reach, by measuring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tauto.config import Constraints, time_in_words
from tauto.errors import InvalidArgument
from tauto.reports import Comparison, Measurement

__all__ = ["Kind", "Target", "targets_of"]

Kind = Literal["speedup", "latency", "p95", "throughput", "memory", "size", "preparation"]

NEARLY = 0.95
"""A speed whose interval holds the asked one counts as reached from this share of it on."""
_AT_LEAST: frozenset[Kind] = frozenset({"speedup", "throughput"})
_TIMED: frozenset[Kind] = frozenset({"speedup", "latency", "p95", "throughput"})
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_WORDS: dict[Kind, str] = {
    "speedup": "speedup",
    "latency": "latency",
    "p95": "p95 latency",
    "throughput": "throughput",
    "memory": "memory",
    "size": "size",
    "preparation": "preparation time",
}
_FIELDS: dict[str, Kind] = {
    "max_latency_ms": "latency",
    "max_p95_ms": "p95",
    "min_throughput": "throughput",
    "max_memory_bytes": "memory",
    "max_size_bytes": "size",
    "max_preparation_s": "preparation",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for.

    Parameters
    ----------
    kind : {"speedup", "latency", "p95", "throughput", "memory", "size", "preparation"}
        Of which figure.
    value : float
        A factor, milliseconds of a call (its median, its 95th percentile), samples a second, bytes held in use, bytes
        to ship, or seconds of preparing.
    """

    kind: Kind
    value: float

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InvalidArgument(f"kind: there is no target {self.kind!r}.")

    def __str__(self) -> str:
        return self._written(self.value)

    @property
    def words(self) -> str:
        """What it is about, and how much: ``size of at most 5 MB``."""
        bound = "at least" if self.kind in _AT_LEAST else "at most"
        return f"{_WORDS[self.kind]} of {bound} {self}"

    @property
    def is_timed(self) -> bool:
        """Whether its figure is timed, and differs from one time to the next."""
        return self.kind in _TIMED

    def reached(self, comparison: Comparison) -> float:
        """Return how far the optimized model comes: 1 is the target, more is better; 0 where it is not known."""
        # the original was timed beside it: what both had to suffer is in its own figure, too
        return self._share(self._value(comparison))

    def reached_before(self, comparison: Comparison) -> float:
        """Return how far the original itself comes, as :meth:`reached` does."""
        return self._share(self._before(comparison))

    def _share(self, value: float | None) -> float:
        if value is None:
            return 0.0
        if self.kind in _AT_LEAST:
            return value / self.value
        return self.value / value if value > 0 else float("inf")

    def met(self, comparison: Comparison) -> bool:
        """Return whether the target is reached, as far as the timing can tell."""
        reached = self.reached(comparison)
        if not self.is_timed:
            return reached >= 1
        room = comparison.speedup_interval.high / max(comparison.speedup, 1e-12)
        return reached >= 1 or (reached >= NEARLY and reached * room >= 1)

    def kept(self, comparison: Comparison) -> bool:
        """Return whether the figure, as it was measured, is within the limit."""
        return self.reached(comparison) >= 1

    def already(self, comparison: Comparison) -> bool:
        """Return whether the original is there by itself."""
        return self.kind != "speedup" and self.reached_before(comparison) >= 1

    def figure(self, comparison: Comparison, *, before: bool = False) -> str:
        """Return what was reached, in the target's unit; ``before`` of the original."""
        value = self._before(comparison) if before else self._value(comparison)
        if value is None:
            return f"unknown {_WORDS[self.kind]}"
        return f"{value:.2f}×" if self.kind == "speedup" else self._written(value)

    def _value(self, comparison: Comparison) -> float | None:
        if self.kind == "speedup":
            return comparison.speedup
        if self.kind == "preparation":
            return comparison.preparation_s
        return _figure(self.kind, comparison.optimized)

    def _before(self, comparison: Comparison) -> float | None:
        itself = {"speedup": 1.0, "preparation": 0.0}
        return itself[self.kind] if self.kind in itself else _figure(self.kind, comparison.original)

    def _written(self, value: float) -> str:
        match self.kind:
            case "speedup":
                return f"{value:g}×"
            case "latency" | "p95":
                return f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.3g} s"
            case "throughput":
                return f"{value:.3g} samples/s" if value < 1000 else f"{value:,.0f} samples/s"
            case "preparation":
                return f"{time_in_words(value)}"
        unit, name = next((each for each in _BYTES if value >= 0.9995 * each[0]), _BYTES[-1])
        return f"{value / unit:.3g} {name}"


def _figure(kind: Kind, measured: Measurement) -> float | None:
    latency = measured.latency
    figures = {
        "latency": latency.p50_ms,
        "p95": latency.p95_ms,
        "throughput": latency.throughput_per_s,
        "memory": measured.memory.steady_bytes,
        "size": measured.size_bytes,
    }
    return figures[kind]


def targets_of(constraints: Constraints) -> tuple[Target, ...]:
    """Return the limits of ``constraints`` as targets, that on quality aside.

    Examples
    --------
    >>> [target.words for target in targets_of(Constraints(max_size_bytes=5e6))]
    ['size of at most 5 MB']
    """
    return tuple(Target(_FIELDS[name], value) for name, value in constraints.given.items())
