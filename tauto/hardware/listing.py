"""Measured ceilings as rows of a report."""

from __future__ import annotations

from tauto.hardware.ceilings import Ceilings
from tauto.reports.machine import Ceiling

__all__ = ["listed"]


def listed(found: Ceilings) -> tuple[Ceiling, ...]:
    """Return the rows of ``found``: the product of each precision in GFLOP/s, then the two copies in GB/s."""
    products = tuple(Ceiling(f"matrix product, {name}", value, "GFLOP/s") for name, value in found.gflops.items())
    return (
        *products,
        Ceiling("copy within the cache", found.copy_cache_gbps, "GB/s"),
        Ceiling("copy in memory", found.copy_memory_gbps, "GB/s"),
    )
