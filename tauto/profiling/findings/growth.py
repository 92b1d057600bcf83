"""Memory that grows from step to step: something keeps what every step makes."""

from __future__ import annotations

from collections.abc import Iterator

from tauto.profiling.facts import Facts
from tauto.reports.memory import AllocationSite
from tauto.reports.profile import Finding, Gain, ProfileReport

__all__ = ["memory_growth"]

WORTH_BYTES = 16 * 2**20
"""Over the whole cell; below it nothing is said."""
WORTH_SHARE = 0.01
"""Of the peak, at each step."""


def memory_growth(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find tensors that stay alive from step to step, as losses in a list do with the graph behind them."""
    timeline, steps = report.memory, report.steps.count if report.steps else 0
    if timeline is None or not timeline.growth_sites:
        return
    growth = timeline.growth_bytes_per_step
    whole = growth * steps
    if whole < WORTH_BYTES or growth < WORTH_SHARE * timeline.peak.total_bytes:
        return
    largest = timeline.growth_sites[0]
    yield Finding(
        "memory_growth",
        "Memory grows at every step",
        f"{growth / 1e6:,.1f} MB more stay alive after each of {timeline.growth_steps} steps in a row; "
        f"{whole / 1e6:,.0f} MB over the {steps:,} steps, if each keeps as much. Most of it is allocated in "
        f"{_place(largest)}.",
        "",
        "losses.append(loss.item())  # a number; a tensor that is kept keeps all that led to it: .detach() it at least",
        cause="memory",
        expected=Gain(None, whole, "what the steps keep, as traced, times their number"),
    )


def _place(site: AllocationSite) -> str:
    named = f"{site.module} ({site.operator})" if site.module else site.operator or "the cell itself"
    return f"{named}, {site.line}" if site.line else named
