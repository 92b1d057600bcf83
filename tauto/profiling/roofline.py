"""What binds a module: arithmetic, memory, or the overhead around them.

The roofline model of Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
multicore architectures", Communications of the ACM 52(4), 2009, with ceilings measured on this machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from tauto.hardware import Ceilings, Hardware, checked_share
from tauto.profiling.trace import Work
from tauto.reports.profile import Bound

__all__ = ["OVERHEAD_SHARE", "Placement", "Roofline", "place"]

OVERHEAD_SHARE = 0.2
"""Overhead binds when neither arithmetic nor memory explains a fifth of the time."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a piece of work lies under the roof; ``share`` is of the ceiling of ``resource``, unclipped."""

    bound: Bound | None
    share: float | None
    resource: str


def place(work: Work, total_ns: int, ceilings: Ceilings) -> Placement:
    """Return what binds ``work`` that took ``total_ns``.

    The time that each resource would need at its ceiling is summed operator by operator (each precision and
    each level of memory against its own ceiling); the larger sum binds.
    """
    if total_ns <= 0 or not work.operators:
        return Placement(None, None, "")
    # Where a precision has no ceiling here, its products run by way of float32.
    rates = {precision: ceilings.of(precision) or ceilings.of("float32") for precision in work.flops}
    compute = {precision: work.flops[precision] / rate for precision, rate in rates.items() if rate}
    memory = {
        "copy_cache": work.cache_bytes / ceilings.copy_cache_gbps,
        "copy_memory": work.memory_bytes / ceilings.copy_memory_gbps,
    }
    needed = max((sum(compute.values()), compute), (sum(memory.values()), memory), key=lambda pair: pair[0])
    share = needed[0] / total_ns  # 1e9 per second is one per nanosecond
    resource = max(needed[1], key=needed[1].__getitem__)
    if share < OVERHEAD_SHARE:
        return Placement("overhead", share, resource)
    return Placement("memory" if needed[1] is memory else "compute", share, resource)


class Roofline:
    """Places one piece of work after another, and lets a ceiling that was passed be measured again."""

    def __init__(self, hardware: Hardware, ceilings: Ceilings) -> None:
        self.hardware = hardware
        self.ceilings = ceilings

    def place(self, work: Work, total_ns: int) -> Placement:
        """Return :func:`place`, its share at most 1."""
        found = place(work, total_ns, self.ceilings)
        if found.share is None or found.share <= 1:
            return found
        ceiling = self.ceilings.of(found.resource) or self.ceilings.of("float32")
        resource = found.resource if self.ceilings.of(found.resource) else "float32"
        checked = checked_share(self.hardware, self.ceilings, found.share * (ceiling or 0.0), resource)
        self.ceilings = checked.ceilings
        found = place(work, total_ns, self.ceilings)
        return Placement(found.bound, min(found.share or 0.0, 1.0), found.resource)
