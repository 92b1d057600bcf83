"""The allocations that torch.profiler saw in a window: when, how much, and what was at work.

Kineto's flat events carry no addresses; the tree of events does, and says what each allocation happened inside of.
Addresses are needed to know which block a free ends, and whose it was (:mod:`tauto.profiling.blocks`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from torch._C._profiler import RecordScope, _EventType

from tauto.profiling.holders import MARK
from tauto.profiling.ranges import OWN, RANGE
from tauto.reports.profile import PhaseName

__all__ = ["Allocation", "Place", "Reading", "read_allocations"]

_ENGINE = "autograd::engine::evaluate_function: "
_STEP = "Optimizer.step#"
_LOADER = "enumerate(DataLoader)"


@dataclass(slots=True, eq=False)
class Place:
    """What was at work: one call of an operator, the outermost inside its module call or backward node."""

    number: int = -1
    """Of the range of its module call, see :data:`tauto.profiling.ranges.RANGE`; -1 outside of any."""
    operator: str = ""
    line: str = ""
    phase: PhaseName = "other"
    start_ns: int = 0
    end_ns: int = 0
    recomputes: bool = False
    """Whether it records gradients inside a backward pass: a forward that is done again (checkpointing)."""


@dataclass(slots=True, eq=False)
class Allocation:
    """One block that was allocated (``size`` above zero) or freed."""

    time_ns: int
    address: int
    size: int
    device: str
    total_bytes: int
    """Of its device after it, as torch counts: all of an accelerator, on the CPU only what was profiled."""
    place: Place


@dataclass(slots=True)
class Reading:
    """What one window holds, each list in order of time."""

    allocations: list[Allocation] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)
    """Time and number of each note of :class:`tauto.profiling.holders.Holders`."""
    roots: list[tuple[int, int, int]] = field(default_factory=list)
    """Beginning, end and range number of each root call."""
    updates: list[int] = field(default_factory=list)
    """End of each optimizer step."""
    nodes: list[tuple[int, int]] = field(default_factory=list)
    """Beginning and end of each node of a backward pass."""


@dataclass(slots=True, eq=False)
class _Context:
    """What the events below one event are inside of."""

    number: int = -1
    line: str = ""
    phase: PhaseName = "other"
    node: str = ""
    """The node of the backward pass."""
    place: Place | None = None


def read_allocations(
    tree: Sequence[Any], root_ranges: frozenset[int], line_of: Callable[[str, int], str] | None = None
) -> Reading:
    """Return what the event tree of a window tells about memory.

    Parameters
    ----------
    tree : sequence
        Top-level events of ``experimental_event_tree()``.
    root_ranges : frozenset of int
        The range numbers of root calls.
    line_of : callable, optional
        Given the file and line of a Python frame, how the line is written for the user, or "" when the frame is not
        the user's. Asked only where Python stacks were recorded.
    """
    reader = _Reader(root_ranges, line_of or _no_line)
    stack = [(event, _Context()) for event in reversed(tree)]
    while stack:
        event, context = stack.pop()
        below = reader.take(event, context)
        if below is not None:
            stack.extend((child, below) for child in reversed(event.children))
    return reader.finish()


def _no_line(file: str, line: int) -> str:
    return ""


class _Reader:
    """Takes the events of a tree one by one, parents before children."""

    def __init__(self, root_ranges: frozenset[int], line_of: Callable[[str, int], str]) -> None:
        self._reading = Reading()
        self._root_ranges = root_ranges
        self._line_of = line_of
        self._forward: dict[int, int] = {}
        """Sequence number of a node of the graph, to the range in which it was made."""
        self._places: list[Place] = []
        self._spans: list[tuple[int, int, PhaseName]] = []
        """Beginning, end and phase of what torch itself names: a loader's batch, an optimizer's step."""
        self._devices: dict[tuple[str, int | None], str] = {}

    def take(self, event: Any, context: _Context) -> _Context | None:
        """Return the context of what is below ``event``; None when that does not matter."""
        tag = event.tag
        if tag == _EventType.Allocation:
            self._allocate(event, context)
            return None
        if tag == _EventType.TorchOp:
            return self._operator(event, event.name, context)
        if tag in (_EventType.PyCall, _EventType.PyCCall):
            caller = event.extra_fields.caller
            line = self._line_of(caller.file_name, caller.line_number)
            if line:
                return _Context(context.number, line, context.phase, context.node, context.place)
        return context

    def finish(self) -> Reading:
        """Return all that was read, in order of time."""
        reading = self._reading
        reading.allocations.sort(key=attrgetter("time_ns"))
        for times in (reading.marks, reading.roots, reading.nodes):
            times.sort()
        reading.updates.sort()
        others = [place for place in self._places if place.phase == "other"]
        _find_spans(sorted(self._spans), others)
        _find_losses(reading, others)
        return reading

    def _allocate(self, event: Any, context: _Context) -> None:
        found, time = event.extra_fields, event.start_time_ns
        if not found.alloc_size:  # of no address
            return
        place = context.place or self._place(time, time, context, "")
        device = found.device
        key = (device.type, device.index)
        name = self._devices.get(key) or self._devices.setdefault(key, str(device))
        self._reading.allocations.append(
            Allocation(time, found.ptr, found.alloc_size, name, found.total_allocated, place)
        )

    def _place(self, start: int, end: int, context: _Context, operator: str) -> Place:
        place = Place(context.number, operator, context.line, context.phase, start, end)
        self._places.append(place)
        return place

    def _operator(self, event: Any, name: str, context: _Context) -> _Context | None:
        if name.startswith(RANGE):
            return self._module(event, int(name.removeprefix(RANGE)), context)
        if name.startswith(MARK):
            self._reading.marks.append((event.start_time_ns, int(name.removeprefix(MARK))))
            return None
        if name == OWN:
            return None
        fields = event.extra_fields
        sequence, scope = fields.sequence_number, fields.scope
        if name.startswith(_ENGINE):
            self._reading.nodes.append((event.start_time_ns, event.end_time_ns))
            number = self._forward.get(sequence, -1)
            return _Context(number, context.line, "backward", name.removeprefix(_ENGINE))
        if scope == RecordScope.USER_SCOPE:
            self._annotation(event, name)
            return context
        if scope != RecordScope.FUNCTION:
            return context
        if sequence >= 0 and not context.node:
            self._forward[sequence] = context.number
        if context.place is not None:
            return context
        place = self._place(event.start_time_ns, event.end_time_ns, context, name)
        place.recomputes = bool(context.node) and sequence >= 0
        if context.node and not place.recomputes:
            place.operator = context.node
        return _Context(context.number, context.line, context.phase, context.node, place)

    def _module(self, event: Any, number: int, context: _Context) -> _Context:
        if number in self._root_ranges and context.phase != "forward":
            self._reading.roots.append((event.start_time_ns, event.end_time_ns, number))
        return _Context(number, context.line, "forward", context.node)

    def _annotation(self, event: Any, name: str) -> None:
        # by its times: what is inside of it stands beside it in the tree where Python stacks were recorded
        if name.startswith(_LOADER):
            self._spans.append((event.start_time_ns, event.end_time_ns, "data"))
        elif name.startswith(_STEP):
            self._reading.updates.append(event.end_time_ns)
            self._spans.append((event.start_time_ns, event.end_time_ns, "optimizer"))


def _find_spans(spans: list[tuple[int, int, PhaseName]], places: list[Place]) -> None:
    """Say of what lies inside a span that it is of its phase."""
    starts = [start for start, _, _ in spans]
    for place in places:
        index = bisect_right(starts, place.start_ns) - 1
        if index >= 0 and place.end_ns <= spans[index][1]:
            place.phase = spans[index][2]


def _find_losses(reading: Reading, places: list[Place]) -> None:
    """Say of what lies between a root call and a backward pass that it is the loss."""
    turns = [(end, "root") for _, end, _ in reading.roots]
    turns += [(start, "other") for start, _, _ in reading.roots]
    turns += [(start, "backward") for start, _ in reading.nodes]
    turns += [(end, "other") for end in reading.updates]
    turns.sort()
    times = [time for time, _ in turns]
    for place in places:
        if place.phase == "other":
            index = bisect_right(times, place.start_ns)
            if 0 < index < len(turns) and turns[index - 1][1] == "root" and turns[index][1] == "backward":
                place.phase = "loss"
