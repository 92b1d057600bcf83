"""A model in a few lines, and the memory it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tauto.reports.measurement import Latency
from tauto.reports.report import Report

__all__ = ["Footprint", "SummaryReport", "TopModule"]


@dataclass(frozen=True, slots=True)
class Footprint(Report):
    """Bytes that torch allocates for a model and one call of it; sums of tensors, not of the process."""

    kind: ClassVar[str] = "footprint"

    name: str
    steady_bytes: int
    """Parameters and buffers; what is shared counts once."""
    input_bytes: int
    peak_bytes: int
    """Parameters, buffers and inputs, and the most that one inference call allocates on top."""
    activation_bytes: int
    """The most that one inference call allocates on top, its output included."""
    output_bytes: int
    """What is left of that when the call has returned."""
    kept_for_backward_bytes: int | None
    """What a call that records gradients leaves allocated, its output included; None when there is no backward."""
    reason: str = ""
    """Why there is no backward."""


@dataclass(frozen=True, slots=True)
class TopModule:
    """A module of the model, and its own share of the model's time."""

    path: str
    kind: str
    share: float


@dataclass(frozen=True, slots=True)
class SummaryReport(Report):
    """What there is to know about a model before anything else."""

    kind: ClassVar[str] = "summary"

    name: str
    latency: Latency
    flops: int
    """Of one call, counted; a multiply and an add count as two."""
    uncounted: tuple[str, ...]
    gflops_per_s: float
    """FLOPs over the median latency."""
    precision: str
    """In which most of the FLOPs ran."""
    share_of_ceiling: float | None
    """Of this machine's measured ceiling for that precision."""
    parameters: int
    size_bytes: int
    footprint: Footprint
    top: tuple[TopModule, ...]
    shapes: tuple[str, ...]
    machine: str
    fingerprint: str
    device: str
    threads: int
