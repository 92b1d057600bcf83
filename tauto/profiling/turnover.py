"""What is allocated and freed from step to step, where, and what stays."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from tauto.profiling.allocations import Place, Reading
from tauto.profiling.blocks import Block
from tauto.reports.memory import AllocationSite
from tauto.reports.profile import PhaseName

__all__ = ["SiteOf", "Turnover", "step_starts", "turnover"]

SiteOf = Callable[[Place], tuple[str, str, str]]
"""Module, operator and line of a place."""

_SITES = 10
_LEAST_BYTES = 4096
_LEAST_SHARE = 1e-5
"""Of the peak: growth below both is noise."""
_STEADY = 2.0
"""Growth is steady when no step grew by more than so many times the least."""


@dataclass(frozen=True, slots=True)
class Turnover:
    """Means over ``steps`` whole steps."""

    steps: int
    allocated_bytes: int
    freed_bytes: int
    sites: tuple[AllocationSite, ...]
    growth_bytes: int
    growth_steps: int
    """Steps whose blocks were watched for growth; 0 when the windows were too short to tell."""
    growth_sites: tuple[AllocationSite, ...]


def step_starts(reading: Reading, root_of: Mapping[int, int]) -> list[int]:
    """Return where each step of a window begins.

    That is the first call of the window's first root after each optimizer step; every call of it where there is none.
    """
    if not reading.roots:
        return []
    first = root_of[reading.roots[0][2]]
    starts = [start for start, _, number in reading.roots if root_of[number] == first]
    if not reading.updates:
        return starts
    updates = [bisect_right(reading.updates, start) for start in starts]
    return starts[:1] + [
        start for start, (one, other) in zip(starts[1:], pairwise(updates), strict=True) if other > one
    ]


def turnover(windows: Sequence[tuple[Sequence[int], Sequence[Block]]], peak_bytes: int, site_of: SiteOf) -> Turnover:
    """Return the turnover of some windows.

    The first step of a window is left out where there is another: it makes what lasts (an optimizer's state), and what
    it frees was not seen being allocated. Where there is no whole step, all that was seen counts as one.

    Parameters
    ----------
    windows : sequence of (starts, blocks)
        Where steps begin in each, and its blocks.
    peak_bytes : int
        Against which growth is held.
    site_of : callable
        Names a place.
    """
    made: list[Block] = []
    freed = steps = 0
    for starts, blocks in windows:
        if len(starts) < 2:
            continue
        begin, end = starts[min(1, len(starts) - 2)], starts[-1]
        steps += max(len(starts) - 2, 1)
        made += [block for block in blocks if block.place is not None and begin <= block.start_ns < end]
        freed += sum(block.size for block in blocks if block.freed and begin <= block.end_ns < end)
    if not steps:
        steps = 1
        made = [block for _, blocks in windows for block in blocks if block.place is not None]
        freed = sum(block.size for _, blocks in windows for block in blocks if block.freed)
    growth, watched, stayed = _growth(windows, peak_bytes)
    return Turnover(
        steps=steps,
        allocated_bytes=sum(block.size for block in made) // steps,
        freed_bytes=freed // steps,
        sites=_sites(made, steps, site_of),
        growth_bytes=growth,
        growth_steps=watched,
        growth_sites=_sites(stayed, watched, site_of) if growth else (),
    )


def _growth(windows: Sequence[tuple[Sequence[int], Sequence[Block]]], peak_bytes: int) -> tuple[int, int, list[Block]]:
    """Return the growth per step, over how many steps, and the blocks that it is of.

    A block stays when it outlived the whole step after its own; a cache that is replaced by a larger one does not.
    """
    grown: list[int] = []
    stayed: list[Block] = []
    for starts, blocks in windows:
        lasting = [block for block in blocks if _lasts(block, starts[-1])] if len(starts) >= 4 else []
        for begin, end in pairwise(starts[1:-1]):
            of_step = [block for block in lasting if begin <= block.start_ns < end]
            grown.append(sum(block.size for block in of_step))
            stayed += of_step
    if len(grown) < 2:
        return 0, 0, []
    least, most = min(grown), max(grown)
    steady = least >= max(_LEAST_BYTES, _LEAST_SHARE * peak_bytes) and most <= _STEADY * least
    return (round(median(grown)) if steady else 0), len(grown), stayed


def _lasts(block: Block, time: int) -> bool:
    held = block.category in ("parameters", "gradients", "optimizer_state")
    return block.place is not None and (block.end_ns > time or not block.freed) and not held


def _sites(blocks: Iterable[Block], steps: int, site_of: SiteOf) -> tuple[AllocationSite, ...]:
    sums: dict[tuple[tuple[str, str, str], PhaseName], list[int]] = defaultdict(lambda: [0, 0])
    for block in blocks:
        if block.place is not None:
            found = sums[site_of(block.place), block.place.phase]
            found[0] += block.size
            found[1] += 1
    ranked = sorted(sums.items(), key=lambda item: -item[1][0])[:_SITES]
    return tuple(AllocationSite(*site, size // steps, calls / steps, phase) for (site, phase), (size, calls) in ranked)
