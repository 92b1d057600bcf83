"""The part of a profile's page about memory over time: the peak, what it is made of, and who allocates."""

from __future__ import annotations

from itertools import pairwise

from tauto.rendering.document import Block, Cell, Column, Facts, Folded, Mark, Row, Table, cell, numeric
from tauto.rendering.numbers import data_size, duration, number, plural, share
from tauto.reports.memory import AllocationSite, MemoryCategory, MemoryPeak, MemoryTimeline

__all__ = ["CATEGORY_NAMES", "blocks", "moments_shown", "peak_place"]

CATEGORY_NAMES: dict[MemoryCategory, str] = {
    "parameters": "parameters and buffers",
    "gradients": "gradients",
    "optimizer_state": "optimizer state",
    "activations": "activations",
    "inputs": "inputs",
    "other": "other",
}
"""How each category is called on the screen, in the order in which they are shown."""

_OUTSIDE = {
    "optimizer": "the optimizer",
    "data": "the input pipeline",
    "loss": "the loss",
    "backward": "the backward pass",
}
_ROWS = 12
_SITES = 8
_PEAK = (Column("What for"), *numeric("At the peak", "Share", "Highest by itself"))
_TIME = numeric("Time", "Alive", *(name.capitalize() for name in CATEGORY_NAMES.values()))
_SITE = (Column("Module"), Column("Operator"), Column("Line"), *numeric("Bytes a step", "Times a step"))


def blocks(timeline: MemoryTimeline, *, whole: bool = False) -> tuple[Block, ...]:
    """Return the blocks of the page that tell ``timeline``; the long part is folded unless the ``whole`` is wanted."""
    sites = [_sites("Where memory is allocated", timeline.sites)] if timeline.sites else []
    detail: tuple[Block, ...] = (*sites, _over_time(timeline))
    found: list[Block] = [_facts(timeline), _peak(timeline)]
    if timeline.growth_sites:
        found.append(_sites("What stays from step to step", timeline.growth_sites))
    return (*found, *(detail if whole else (Folded("Memory over time, and who allocates", detail),)))


def peak_place(peak: MemoryPeak) -> str:
    """Return in words what made the peak: ``backward, net.fc (AddmmBackward0), train.py:12``."""
    at_work = f"{peak.module} ({peak.operator})" if peak.module and peak.operator else peak.module or peak.operator
    return ", ".join(part for part in (peak.phase, at_work, peak.line) if part)


def moments_shown(timeline: MemoryTimeline, limit: int = _ROWS) -> tuple[int, ...]:
    """Return the indices of at most ``limit`` moments: the highest of each stretch of the time traced."""
    totals = timeline.totals
    if len(totals) <= limit:
        return tuple(range(len(totals)))
    edges = [round(part * len(totals) / limit) for part in range(limit + 1)]
    return tuple(max(range(start, end), key=totals.__getitem__) for start, end in pairwise(edges))


def _facts(timeline: MemoryTimeline) -> Facts:
    peak = timeline.peak
    rise = peak.total_bytes - timeline.start_bytes
    rows = [
        (
            "Peak",
            f"{data_size(peak.total_bytes)} of tensors on {timeline.device}, {duration(peak.time_ms)} into the run",
        ),
        ("Made by", peak_place(peak)),
        ("Above the start", data_size(rise)),
        (
            "Turnover",
            f"{data_size(timeline.allocated_bytes_per_step)} allocated and "
            f"{data_size(timeline.freed_bytes_per_step)} freed a step, mean of {plural(timeline.steps, 'step')}",
        ),
        ("Stays from step to step", _growth(timeline)),
    ]
    return Facts("Memory of the traced steps", tuple(rows))


def _growth(timeline: MemoryTimeline) -> str:
    if not timeline.growth_steps:
        return "not known: too few steps in a row were traced"
    seen = f"over {plural(timeline.growth_steps, 'step')}"
    if not timeline.growth_bytes_per_step:
        return f"nothing steady {seen}"
    return f"{data_size(timeline.growth_bytes_per_step)} a step {seen}: a leak, if it goes on"


def _peak(timeline: MemoryTimeline) -> Table:
    rows = []
    for category, name in CATEGORY_NAMES.items():
        size, part = timeline.peak.by_category.get(category, 0), timeline.peak.share(category)
        highest = max(timeline.categories.get(category, ()), default=0)
        if size or highest:
            cells = (cell(name), Cell(data_size(size)), Cell(share(part), Mark(part, 1.0)), Cell(data_size(highest)))
            rows.append(Row(cells, weight=size))
    return Table("What the peak is made of", _PEAK, tuple(rows), more="categories", bars_in_text=True)


def _sites(caption: str, sites: tuple[AllocationSite, ...]) -> Table:
    rows = tuple(
        Row(
            (
                cell(site.module or _OUTSIDE.get(site.phase, "outside a model"), code=bool(site.module)),
                cell(site.operator or "–", code=bool(site.operator)),
                cell(site.line or "–", code=bool(site.line)),
                Cell(data_size(site.bytes_per_step)),
                Cell(number(site.calls_per_step)),
            ),
            weight=site.bytes_per_step,
        )
        for site in sites
    )
    return Table(caption, _SITE, rows, more="sites", limit=_SITES)


def _over_time(timeline: MemoryTimeline) -> Table:
    totals = timeline.totals
    top = max(totals, default=0) or 1
    rows = tuple(
        Row(
            (
                Cell(duration(timeline.times_ms[index])),
                Cell(data_size(totals[index]), Mark(totals[index] / top, 1.0)),
                *(Cell(data_size(timeline.categories.get(name, totals)[index])) for name in CATEGORY_NAMES),
            ),
            weight=totals[index],
        )
        for index in moments_shown(timeline)
    )
    return Table("Memory over time, the highest moment of each stretch", _TIME, rows, more="moments")
