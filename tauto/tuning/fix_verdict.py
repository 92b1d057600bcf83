"""Whether a fix that was tried helped."""

from __future__ import annotations

from dataclasses import replace

from tauto.reports.comparison import Verdict
from tauto.reports.fix import FixReport
from tauto.reports.profile import Tried

__all__ = ["MEMORY_MARGIN", "judged"]

MEMORY_MARGIN = 0.05
"""Share of the peak by which it must change to count: a process's own peak is met within about 2 % again."""


def judged(report: FixReport, by_time: Verdict | None) -> FixReport:
    """Return ``report`` with its verdict, the reason, and what was measured written to its finding.

    Parameters
    ----------
    report : FixReport
        With both sides, or with the reason why there are none.
    by_time : str or None
        What the timing says, by the thresholds of every comparison.
    """
    if by_time is None or report.speedup is None or report.speedup_interval is None:
        return report
    if report.objective == "memory" and report.bytes_saved is None:
        return replace(report, reason=report.reason or "the peaks could not be read")
    by_memory = _by_memory(report) if report.objective == "memory" else "same"
    verdict = by_time if by_memory == "same" else by_memory
    tried = Tried(verdict, report.speedup, report.speedup_interval, report.bytes_saved)
    return replace(
        report,
        verdict=verdict,
        reason=_reason(report, by_memory, by_time),
        finding=replace(report.finding, tried=tried),
    )


def _by_memory(report: FixReport) -> Verdict:
    saved = report.bytes_saved
    before = report.original.peak_bytes if report.original else None
    if saved is None or not before or abs(saved) < MEMORY_MARGIN * before:
        return "same"
    return "better" if saved > 0 else "worse"


def _reason(report: FixReport, by_memory: Verdict, by_time: Verdict) -> str:
    timed = {
        "better": "the whole interval lies above 1.02",
        "same": "no difference beyond 2 % could be shown",
        "worse": "the whole interval lies below 0.98",
    }[by_time]
    if report.objective == "time":
        return timed
    least = f"{MEMORY_MARGIN:.0%}".replace("%", " %")
    if by_memory == "same":
        unchanged = f"the peak changed by less than {least}"
        return unchanged if by_time == "same" else f"{unchanged}, but in speed {timed}"
    return f"the peak is at least {least} {'lower' if by_memory == 'better' else 'higher'}"
