"""A finding's fix, tried: the cell as it is against the cell with the fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tauto.reports.comparison import Interval, Verdict
from tauto.reports.measurement import Latency
from tauto.reports.profile import Finding
from tauto.reports.report import Report

__all__ = ["FixObjective", "FixReport", "FixSide", "FixUnit"]

FixObjective = Literal["time", "memory"]
FixUnit = Literal["optimizer step", "model call", "run of the cell"]


@dataclass(frozen=True, slots=True)
class FixSide:
    """The cell on one side: as it is, or with the fix, in a process of its own."""

    step: Latency
    """Milliseconds of a step, over blocks of steps; ``calls`` are steps."""
    warm_up_ms: float
    """From the first line of the cell to the end of its second step: building, compiling, starting workers."""
    peak_bytes: int | None
    """Largest growth of private memory (of allocated memory on CUDA) from the loaded names on, loader workers included;
    None when it was not read."""
    loss: float | None
    """What ``backward`` was last called on, after the same number of steps on both sides; None when it was not."""


@dataclass(frozen=True, slots=True)
class FixReport(Report):
    """What a fix brought to the cell, both sides run alternately on this machine."""

    kind: ClassVar[str] = "fix"

    subject: str
    finding: Finding
    """With what was measured, where anything was, as :attr:`Finding.tried`."""
    verdict: Verdict | None
    """About :attr:`objective`; None when the fix could not be tried, for the :attr:`reason`."""
    reason: str
    objective: FixObjective
    unit: FixUnit
    original: FixSide | None
    fixed: FixSide | None
    speedup: float | None
    """Time of a step as it is over the time with the fix; above 1 is faster."""
    speedup_interval: Interval | None
    settled: bool
    """Whether the interval became narrower than ±3 % before the time was up."""
    same_results: bool
    """Whether the fix leaves what the cell computes as it is, rounding apart."""
    notes: tuple[str, ...]
    machine: str
    fingerprint: str
    device: str
    threads: int
    budget_s: float
    wall_s: float
    interrupted: bool = False
    """Whether the user stopped it: what was measured until then."""

    @property
    def bytes_saved(self) -> int | None:
        """Of the peak; None when one of them is not known."""
        if self.original is None or self.fixed is None:
            return None
        if self.original.peak_bytes is None or self.fixed.peak_bytes is None:
            return None
        return self.original.peak_bytes - self.fixed.peak_bytes
