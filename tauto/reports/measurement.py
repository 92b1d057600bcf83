"""One variant, measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tauto.reports.report import Report

__all__ = ["Latency", "Measurement", "Memory"]


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of a call, in milliseconds, over ``calls`` timed calls in ``blocks`` blocks."""

    p50_ms: float
    p95_ms: float
    calls: int
    blocks: int
    throughput_per_s: float
    """Samples a second at this batch size: batch / p50."""


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
