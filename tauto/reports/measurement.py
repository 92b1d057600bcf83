"""One variant, measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tauto.reports.report import Report

__all__ = ["QUANTILES", "Latency", "Measurement", "Memory"]

QUANTILES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Shares of the calls at which :attr:`Latency.quantiles_ms` tells the latency."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of a call, in milliseconds, over ``calls`` timed calls in ``blocks`` blocks."""

    p50_ms: float
    p95_ms: float
    calls: int
    blocks: int
    throughput_per_s: float
    """Samples a second at this batch size: batch / p50."""
    p05_ms: float | None = None
    """The fast end, nearly free of other work on the machine."""
    block_ms: float | None = None
    """Three quarters of the blocks have a median of at most this: far above p50 when whole blocks stood still."""
    quantiles_ms: tuple[float, ...] = ()
    """The distribution over the calls, at each of :data:`QUANTILES`; empty in reports of before."""

    @property
    def disturbed(self) -> bool:
        """Whether a typical call, or a quarter of the blocks, took more than three times a fast one: a busy machine."""
        return self.p05_ms is not None and max(self.p50_ms, self.block_ms or 0.0) > 3 * self.p05_ms


@dataclass(frozen=True, slots=True)
class Memory:
    """Growth of the process's private memory over the loaded runtime, one variant a process.

    A figure is None when it could not be measured, and ``reason`` then says why.
    """

    steady_bytes: int | None
    peak_preparing_bytes: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Measurement(Report):
    """One variant alone."""

    kind: ClassVar[str] = "measurement"

    name: str
    latency: Latency
    size_bytes: int
    """Bytes that must be shipped: weights and buffers, or the artefact files."""
    parameters: int
    memory: Memory
