"""From the profiler's raw events to module calls and operators, in one sweep over time."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from tauto.profiling.flops import count_bytes, count_flops, hands_on, is_fused
from tauto.profiling.holders import MARK
from tauto.profiling.operator import Operator
from tauto.profiling.ranges import OWN, range_number

__all__ = ["CACHE_BYTES", "CallSpan", "Habits", "OperatorSum", "Trace", "Work", "read_trace"]

CACHE_BYTES = 32 * 2**20
"""An operator that touches no more is held against the cache's bandwidth, one that touches more against memory's."""

_MEMORY = "[memory]"
_FUNCTION_SCOPE = 0  # at::RecordScope::FUNCTION; backward functions and annotations have other scopes
_NODE = "autograd::engine::evaluate_function"
_NO_NODE = -1
_OPTIMIZER = "Optimizer."
_SYNCHRONISES = "aten::_local_scalar_dense"
_CONVERTS = "aten::_to_copy"


@dataclass(slots=True)
class Work:
    """What was computed and moved."""

    flops: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By precision."""
    cache_bytes: int = 0
    memory_bytes: int = 0
    operators: int = 0

    def add(self, other: Work) -> None:
        """Add ``other`` to this."""
        for precision, count in other.flops.items():
            self.flops[precision] += count
        self.cache_bytes += other.cache_bytes
        self.memory_bytes += other.memory_bytes
        self.operators += other.operators

    @property
    def total_flops(self) -> int:
        """Of all precisions."""
        return sum(self.flops.values())

    @property
    def precision(self) -> str:
        """In which most FLOPs ran."""
        return max(self.flops, key=self.flops.__getitem__) if self.total_flops else "float32"

    @property
    def total_bytes(self) -> int:
        """Held against either bandwidth."""
        return self.cache_bytes + self.memory_bytes


@dataclass(slots=True)
class CallSpan:
    """One module call in the trace; its work is its own forward work, that of modules below it apart."""

    key: int
    parent: CallSpan | None
    start_ns: int
    total_ns: int = 0
    inner_ns: int = 0
    """Time in modules called from it."""
    work: Work = field(default_factory=Work)
    kept: bool = True
    """False in a warm-up call."""
    backward_ns: int = 0
    """Of the backward pass through its own operators, modules below it apart."""
    net_bytes: int = 0
    """What was allocated in it, modules below it included, and not freed when it ended."""
    operators_ns: dict[str, int] = field(default_factory=dict)
    """Own time of its own operators by name, forward and backward."""


@dataclass(slots=True)
class OperatorSum:
    """All kept calls of one operator."""

    calls: int = 0
    total_ns: int = 0
    self_ns: int = 0
    flops: int = 0
    uncounted_ns: int = 0
    """Time of calls that did work which is not counted."""
    allocated_bytes: int = 0


@dataclass(slots=True)
class Habits:
    """What the kept calls, and the code around them, do again and again."""

    scalars_inside: int = 0
    """Tensors made a Python number (``.item()``, ``float(loss)``, ``if tensor:``) inside a model."""
    scalars_outside: int = 0
    allocations: int = 0
    recorded_conversions: int = 0
    """Conversions of type, device or layout outside of models, backward passes and optimizers."""
    conversions: dict[tuple[tuple[int, ...], str], int] = field(default_factory=lambda: defaultdict(int))
    """Those by shape and type of what is converted: the same at each step may be the same tensor again."""
    conversions_ns: int = 0


@dataclass(slots=True)
class Trace:
    """What the trace of the sampled calls holds."""

    calls: list[CallSpan] = field(default_factory=list)
    operators: dict[str, OperatorSum] = field(default_factory=lambda: defaultdict(OperatorSum))
    sampled: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Kept root calls by index of the root."""
    allocated_bytes: int = 0
    habits: Habits = field(default_factory=Habits)
    backward_ns: int = 0
    """Of all nodes of backward passes."""
    heavy: dict[tuple[str, str], tuple[Operator, int]] = field(default_factory=dict)
    """Counted operators of modules by name and shapes, with the time in them."""


@dataclass(slots=True)
class _Open:
    name: str
    start: int
    end: int
    is_operator: bool
    span: CallSpan | None
    counted: bool
    """Its own FLOPs, or those of something around it, are counted already."""
    event: Any = None
    flops: int | None = None
    inner: int = 0
    explained: bool = False
    """Operators below it did counted arithmetic."""
    allocated: int = 0
    net: int = 0
    is_range: bool = False
    is_node: bool = False
    """Of a backward pass; ``span`` is then the call that recorded it."""
    backward: bool = False
    """A node or below one, with no call of a module between: what a checkpoint computes again is forward work."""


class _Segments:
    """Which root call a moment belongs to: from where it begins to where the next begins."""

    def __init__(self, starts: Iterable[tuple[int, int, bool]]) -> None:
        """``starts``: time and root index of each traced root call in order of time, and whether it is left out."""
        self._times: list[int] = []
        self._kept: list[bool] = []
        ordered = list(starts)
        many = {root for root, count in Counter(r for _, r, dropped in ordered if not dropped).items() if count > 1}
        met: set[int] = set()
        for time, root, dropped in ordered:
            self._times.append(time)
            self._kept.append(not dropped and (root not in many or root in met))
            met.add(root)

    def keeps(self, time: int) -> bool:
        index = bisect_right(self._times, time) - 1
        return index >= 0 and self._kept[index]


def read_trace(events: Iterable[Any], root_ranges: Mapping[int, int], dropped: Collection[int] = ()) -> Trace:
    """Return the trace that ``events`` tell.

    Parameters
    ----------
    events : iterable
        Kineto's events of all windows.
    root_ranges : mapping
        Range number of each traced root call, to the index of its root. The first call of a root that was
        traced more than once is a warm-up and left out.
    dropped : collection of int
        Range numbers of root calls to leave out, such as those whose window closed in the middle.
    """
    timed = sorted(
        ((event.start_ns(), -event.end_ns(), order, event) for order, event in enumerate(events)),
        key=itemgetter(0, 1, 2),
    )
    sweep = _Sweep(_Segments(_outermost(timed, root_ranges, dropped)), root_ranges)
    for start, negative_end, _, event in timed:
        sweep.take(start, -negative_end, event)
    return sweep.finish()


def _outermost(
    timed: list[Any], root_ranges: Mapping[int, int], dropped: Collection[int]
) -> list[tuple[int, int, bool]]:
    """Return the root calls; an inner call of a root's own module carries the root's number too (recursion)."""
    kept: list[tuple[int, int, bool]] = []
    last_end = -1
    for start, negative_end, _, event in timed:
        number = range_number(event.name())
        if number is not None and number in root_ranges and start >= last_end:
            kept.append((start, root_ranges[number], number in dropped))
            last_end = -negative_end
    return kept


class _Sweep:
    """Walks through the events in order of time, one stack of open events a thread."""

    def __init__(self, segments: _Segments, root_ranges: Mapping[int, int]) -> None:
        self.trace = Trace()
        self._segments = segments
        self._root_ranges = root_ranges
        self._stacks: dict[int, list[_Open]] = defaultdict(list)
        self._recorded: dict[tuple[int, int], CallSpan] = {}
        """By thread and sequence number, the call whose operator recorded this node of the backward pass."""
        self._last: CallSpan | None = None
        """Call that recorded the last node met."""
        self._own_until: dict[int, int] = {}
        """By thread, when the profile's own work that was met last ends."""

    def take(self, start: int, end: int, event: Any) -> None:
        thread, name = event.start_thread_id(), event.name()
        if start < self._own_until.get(thread, start):
            return
        if name == OWN:
            self._own_until[thread] = end
            return
        stack = self._stacks[thread]
        while stack and stack[-1].end <= start and not (start == end == stack[-1].end):
            self._close(stack)
        if name == _MEMORY:
            self._allocate(stack, start, event)
        elif name.startswith(MARK):
            return
        elif event.activity_type() in ("cpu_op", "user_annotation"):
            self._open(stack, name, start, end, event)

    def finish(self) -> Trace:
        for stack in self._stacks.values():
            while stack:
                self._close(stack)
        return self.trace

    def _allocate(self, stack: list[_Open], start: int, event: Any) -> None:
        size = event.nbytes()
        if size > 0 and self._segments.keeps(start):
            self.trace.allocated_bytes += size
            self.trace.habits.allocations += 1
        if stack:
            stack[-1].allocated += max(size, 0)
            stack[-1].net += size

    def _open(self, stack: list[_Open], name: str, start: int, end: int, event: Any) -> None:
        around = stack[-1] if stack else None
        span = around.span if around else None
        number = range_number(name)
        if number is not None:
            span = self._call(number, span, start)
        is_node = name.startswith(_NODE)
        if is_node:
            span = self._recorder_of(event)
        is_operator = number is None and not is_node and event.scope() == _FUNCTION_SCOPE
        opened = _Open(
            name, start, end, is_operator, span, bool(around and around.counted), is_range=number is not None,
            is_node=is_node, backward=is_node or (number is None and bool(around and around.backward)),
        )  # fmt: skip
        if is_operator:
            self._met(opened, stack, event)
        stack.append(opened)

    def _recorder_of(self, event: Any) -> CallSpan | None:
        """Return the call that recorded a node; gradients are added up right after the node that gave them."""
        number = event.sequence_nr()
        if number != _NO_NODE:
            self._last = self._recorded.get((event.fwd_thread_id(), number))
        return self._last

    def _met(self, opened: _Open, stack: list[_Open], event: Any) -> None:
        if opened.span is not None and (number := event.sequence_nr()) != _NO_NODE:
            # Of several operators with one number the last has recorded the node: its number is the next one's then.
            self._recorded[event.start_thread_id(), number] = opened.span
        if not opened.counted:
            self._count(opened, event)
        if opened.name in (_SYNCHRONISES, _CONVERTS) and self._segments.keeps(opened.start):
            self._habit(opened, stack, event)

    def _habit(self, opened: _Open, stack: list[_Open], event: Any) -> None:
        habits, inside = self.trace.habits, any(around.span is not None for around in stack)
        if opened.name == _SYNCHRONISES:
            habits.scalars_inside += inside
            habits.scalars_outside += not inside
        elif not inside and not any(around.is_node or around.name.startswith(_OPTIMIZER) for around in stack):
            shapes, types = event.structured_input_shapes(), event.dtypes()
            habits.recorded_conversions += 1
            habits.conversions[tuple(shapes[0]) if shapes else (), types[0] if types else ""] += 1
            habits.conversions_ns += opened.end - opened.start

    def _call(self, key: int, parent: CallSpan | None, start: int) -> CallSpan:
        span = CallSpan(key, parent, start, kept=self._segments.keeps(start))
        if parent is None and span.kept and key in self._root_ranges:
            self.trace.sampled[self._root_ranges[key]] += 1
        self.trace.calls.append(span)
        return span

    def _count(self, opened: _Open, event: Any) -> None:
        operator = Operator(
            opened.name,
            tuple(event.structured_input_shapes()),
            tuple(event.dtypes()),
            tuple(event.concrete_inputs()),
        )
        opened.flops = count_flops(operator)
        if opened.flops is not None:
            opened.counted, opened.event = True, operator

    def _close(self, stack: list[_Open]) -> None:
        done = stack.pop()
        total = max(done.end - done.start, 0)
        if stack:
            stack[-1].inner += total
            stack[-1].allocated += done.allocated
            stack[-1].net += done.net
            stack[-1].explained |= done.explained or bool(done.flops)
        if not self._segments.keeps(done.start):
            return
        if done.is_range and done.span is not None:
            done.span.total_ns = total
            done.span.net_bytes = done.net
            if done.span.parent is not None:
                done.span.parent.inner_ns += total
        elif done.is_node and not any(around.is_node for around in stack):
            self.trace.backward_ns += total
            if done.span is not None:
                done.span.backward_ns += total
        elif done.is_operator:
            self._sum(done, total)

    def _sum(self, done: _Open, total: int) -> None:
        row = self.trace.operators[done.name]
        row.calls += 1
        row.total_ns += total
        row.self_ns += total - done.inner
        row.allocated_bytes += done.allocated
        if done.span is not None:
            own_ns = done.span.operators_ns
            own_ns[done.name] = own_ns.get(done.name, 0) + total - done.inner
        if done.event is not None:
            row.flops += done.flops or 0
            if done.span is not None:
                self._weigh(done.event, total)
                if not done.backward:
                    _add_work(done.span.work, done.event, done.flops or 0, done.net)
        elif not done.counted and not hands_on(done.name):
            own = total - done.inner
            if not done.explained or is_fused(done.name) or 2 * own > total:
                row.uncounted_ns += own

    def _weigh(self, operator: Operator, total: int) -> None:
        key = (operator.name, str(operator.shapes))
        known = self.trace.heavy.get(key)
        self.trace.heavy[key] = (operator, total) if known is None else (known[0], known[1] + total)


def _add_work(work: Work, operator: Operator, flops: int, net: int) -> None:
    work.operators += 1
    work.flops[operator.precision] += flops
    moved = count_bytes(operator, net)
    if moved <= CACHE_BYTES:
        work.cache_bytes += moved
    else:
        work.memory_bytes += moved
