"""From the blocks of the windows to the memory timeline of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import get_args

from tauto.profiling.allocations import Place
from tauto.profiling.blocks import Block
from tauto.profiling.turnover import SiteOf, turnover
from tauto.reports.memory import MemoryCategory, MemoryPeak, MemoryTimeline

__all__ = ["CATEGORIES", "WindowBlocks", "memory_timeline"]

CATEGORIES: tuple[MemoryCategory, ...] = get_args(MemoryCategory)
"""In the order in which they are shown, what lasts longest first."""

_MOMENTS = 150
"""Stretches into which the windows are cut; each leaves its highest moment, and its last."""


@dataclass(frozen=True, slots=True)
class WindowBlocks:
    """One window: its time, where its steps begin, and the blocks that lived in it."""

    start_ns: int
    end_ns: int
    offset_ns: int
    """Added to the times of its events it gives those since the beginning of the cell."""
    starts: Sequence[int]
    blocks: Sequence[Block]


@dataclass(slots=True)
class _Moment:
    time_ns: int
    """Since the beginning of the cell."""
    bytes: tuple[int, ...]
    place: Place | None = None

    @property
    def total(self) -> int:
        return sum(self.bytes)


def memory_timeline(windows: Sequence[WindowBlocks], device: str, site_of: SiteOf) -> MemoryTimeline | None:
    """Return the timeline of some windows; None when nothing lived in them.

    Parameters
    ----------
    windows : sequence of WindowBlocks
        In order of time.
    device : str
        Whose memory it is.
    site_of : callable
        Gives module, operator and line of what was at work.
    """
    windows = [window for window in windows if window.blocks]
    if not windows:
        return None
    width = max(sum(window.end_ns - window.start_ns for window in windows) // _MOMENTS, 1)
    each = [_moments(window, width) for window in windows]
    moments = [moment for found in each for moment in found]
    peak = max(moments, key=lambda moment: moment.total)
    turned = turnover([(window.starts, window.blocks) for window in windows], peak.total, site_of)
    began = [sum(len(found) for found in each[:index]) for index in range(len(each))]
    return MemoryTimeline(
        device=device,
        times_ms=tuple(moment.time_ns / 1e6 for moment in moments),
        categories={name: tuple(moment.bytes[index] for moment in moments) for index, name in enumerate(CATEGORIES)},
        windows=tuple(began),
        peak=_peak(peak, site_of),
        start_bytes=moments[0].total,
        steps=turned.steps,
        allocated_bytes_per_step=turned.allocated_bytes,
        freed_bytes_per_step=turned.freed_bytes,
        growth_bytes_per_step=turned.growth_bytes,
        growth_steps=turned.growth_steps,
        growth_sites=turned.growth_sites,
        sites=turned.sites,
    )


def _peak(moment: _Moment, site_of: SiteOf) -> MemoryPeak:
    place = moment.place or Place()
    module, operator, line = site_of(place)
    return MemoryPeak(
        time_ms=moment.time_ns / 1e6,
        total_bytes=moment.total,
        by_category=dict(zip(CATEGORIES, moment.bytes, strict=True)),
        module=module,
        operator=operator,
        line=line,
        phase=place.phase,
    )


def _moments(window: WindowBlocks, width_ns: int) -> list[_Moment]:
    """Return the state at the beginning of a window, and then the highest and the last of each stretch."""
    sums = [0] * len(CATEGORIES)
    order = {name: index for index, name in enumerate(CATEGORIES)}
    changes: list[tuple[int, int, int, Block]] = []
    for block in window.blocks:
        category = order[block.category]
        if block.start_ns <= window.start_ns:
            sums[category] += block.size
        else:
            changes.append((block.start_ns, category, block.size, block))
        if block.freed:
            changes.append((block.end_ns, category, -block.size, block))
    # what happens in the same nanosecond is in the order of the list: an allocation before its free
    changes.sort(key=itemgetter(0))
    moments = [_Moment(window.start_ns + window.offset_ns, tuple(sums))]
    total = highest = 0
    top: _Moment | None = None
    last, stretch = moments[0], -1
    total = last.total
    for time, category, size, block in changes:
        if (at := (time - window.start_ns) // width_ns) != stretch:
            _flush(moments, top, last)
            stretch, top, highest = at, None, -1
        sums[category] += size
        total += size
        last = _Moment(time + window.offset_ns, tuple(sums), block.place if size > 0 else None)
        if total > highest:
            top, highest = last, total
    _flush(moments, top, last)
    moments.append(_Moment(window.end_ns + window.offset_ns, tuple(sums)))
    return moments


def _flush(moments: list[_Moment], top: _Moment | None, last: _Moment) -> None:
    if top is not None:
        moments.append(top)
        if last is not top:
            moments.append(last)
