"""What this machine is, and the most that was measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tauto.reports.report import Report

__all__ = ["Ceiling", "MachineReport"]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that was measured of one resource, such as ``matrix product, bfloat16``."""

    resource: str
    value: float
    unit: Literal["GFLOP/s", "GB/s"]


@dataclass(frozen=True, slots=True)
class MachineReport(Report):
    """This machine; ``ceilings`` is empty as long as they have not been measured."""

    kind: ClassVar[str] = "machine"

    name: str
    device: str
    fingerprint: str
    cores: int
    """Usable cores: affinity and container limits respected."""
    memory_bytes: int | None
    """Usable memory; None when no limit could be read."""
    instruction_sets: tuple[str, ...]
    ceilings: tuple[Ceiling, ...] = ()
