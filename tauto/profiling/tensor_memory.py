"""The memory timeline of a session: what its windows, notes and names tell together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tauto.profiling.allocations import Place, read_allocations
from tauto.profiling.anatomy import ModuleKey
from tauto.profiling.blocks import blocks_of, device_of
from tauto.profiling.holders import Note
from tauto.profiling.timeline import WindowBlocks, memory_timeline
from tauto.profiling.tracer import Window
from tauto.profiling.turnover import step_starts
from tauto.reports.memory import MemoryTimeline

__all__ = ["tensor_memory"]


def tensor_memory(
    windows: Sequence[Window],
    notes: Sequence[Note],
    root_ranges: Mapping[int, int],
    keys: Sequence[ModuleKey],
    names: Sequence[str],
    began_ns: int,
    *,
    line_of: Callable[[str, int], str] | None = None,
    call_lines: Mapping[int, str] | None = None,
) -> MemoryTimeline | None:
    """Return the memory timeline of a session, or None when no window saw anything.

    Parameters
    ----------
    windows : sequence of Window
        In order of time.
    notes : sequence of Note
        Those of the session's :class:`~tauto.profiling.holders.Holders`.
    root_ranges : mapping
        Range number of each traced root call, to the index of its root.
    keys : sequence of ModuleKey
        Of every range number.
    names : sequence of str
        What each root is called in the report.
    began_ns : int
        When the cell began, as :func:`time.perf_counter_ns`.
    line_of : callable, optional
        Says of a Python frame which line of the user's code it is; see :func:`read_allocations`.
    call_lines : mapping, optional
        Range number, to the line of the user's code that its module was called from; stands in without stacks.
    """
    ranges = frozenset(root_ranges)
    readings = [read_allocations(window.result.experimental_event_tree(), ranges, line_of) for window in windows]
    device = max((device_of(reading, notes) for reading in readings), key=lambda name: name != "cpu", default="cpu")
    found = [
        WindowBlocks(
            start_ns=(start := window.began_ns - window.offset_ns),
            end_ns=(end := max(window.ended_ns - window.offset_ns, start)),
            offset_ns=window.offset_ns - began_ns,
            starts=_boundaries(step_starts(reading, root_ranges), window, end),
            blocks=blocks_of(reading, notes, device, start, end),
        )
        for window, reading in zip(windows, readings, strict=True)
    ]
    lines = call_lines or {}

    def site_of(place: Place) -> tuple[str, str, str]:
        return _module(place.number, keys, names), place.operator, place.line or lines.get(place.number, "")

    return memory_timeline(found, device, site_of)


def _boundaries(starts: list[int], window: Window, end: int) -> list[int]:
    # a window that was not cut closes where the next step would begin
    return starts if window.cut or not starts else [*starts, end]


def _module(number: int, keys: Sequence[ModuleKey], names: Sequence[str]) -> str:
    if not 0 <= number < len(keys):
        return ""
    key = keys[number]
    root = names[key.root] if key.root < len(names) else ""
    if key.path is None:  # a module that is called from the root, which does not own it
        return f"{root} ({key.kind})"
    return f"{root}.{key.path}" if key.path else root
