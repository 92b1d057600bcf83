"""The work and the memory of one call, exactly: counted in a trace of that call alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from tauto.errors import InvalidArgument
from tauto.profiling.anatomy import is_compiled
from tauto.profiling.flops import count_flops
from tauto.profiling.operator import Operator
from tauto.profiling.quiet import quiet_stderr

__all__ = ["CallCount", "count_call", "uncompiled"]

_RANGE = "tauto.count"
_MEMORY = "[memory]"
_UNCOUNTED_SHARE = 0.01
"""Of operator time: an operator that is not counted and takes less is not worth a name."""


@dataclass(frozen=True, slots=True)
class CallCount:
    """What one call did.

    Parameters
    ----------
    flops : int
        A multiply and an add count as two.
    uncounted : tuple of str
        Operators that are not counted, with their share of the operators' time.
    peak_bytes : int
        The most by which what torch allocates on the device grew.
    kept_bytes : int
        What was still allocated when the call had returned, its result included.
    events : int
        In the trace, as a measure of what tracing costs.
    """

    flops: int
    uncounted: tuple[str, ...]
    peak_bytes: int
    kept_bytes: int
    events: int


def uncompiled(model: nn.Module) -> AbstractContextManager[Any]:
    """Return a block in which a compiled ``model`` runs uncompiled: fused kernels hide the operators."""
    if not any(is_compiled(module) for module in model.modules()):
        return nullcontext()
    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


def count_call(function: Callable[[], Any], device: str = "cpu") -> CallCount:
    """Return what one call of ``function`` does, on this thread; what it raises is raised.

    Raises
    ------
    InvalidArgument
        When a torch profiler is at work already: torch has room for one.
    """
    if torch.autograd.profiler._is_profiler_enabled:
        raise InvalidArgument("profile: another torch.profiler is at work in this process. Count outside of its block.")
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        activities.append(ProfilerActivity.CUDA)
    window = profile(activities=activities, record_shapes=True, profile_memory=True)
    with quiet_stderr():
        window.start()
    try:
        with torch._C._profiler._RecordFunctionFast(_RANGE):
            result = function()
    finally:
        with quiet_stderr():
            window.stop()
    del result
    inner: Any = window.profiler
    return _read(list(inner.kineto_results.events()), device)


@dataclass(slots=True)
class _Open:
    name: str
    end: int
    counted: bool
    """Its own FLOPs, or those of something around it, are counted."""
    own_ns: int
    explained: bool = False
    """Operators below it are counted."""
    total_ns: int = 0
    is_operator: bool = False


@dataclass(slots=True)
class _Sums:
    flops: int = 0
    time_ns: int = 0
    uncounted_ns: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def _read(events: list[Any], device: str) -> CallCount:
    call = next(event for event in events if event.name() == _RANGE)
    inside = [event for event in events if call.start_ns() <= event.start_ns() <= call.end_ns()]
    peak, kept = _allocated(inside, device)
    sums = _sweep(event for event in inside if event.start_thread_id() == call.start_thread_id())
    whole = sums.time_ns or 1
    named = sorted(((time / whole, name) for name, time in sums.uncounted_ns.items()), reverse=True)
    uncounted = tuple(f"{name} ({share * 100:.1f} %)" for share, name in named if share >= _UNCOUNTED_SHARE)
    return CallCount(sums.flops, uncounted, peak, kept, len(events))


def _allocated(events: Iterable[Any], device: str) -> tuple[int, int]:
    kind = torch.device(device).type.upper()
    changes = sorted(
        (event.start_ns(), order, event.nbytes())
        for order, event in enumerate(events)
        if event.name() == _MEMORY and event.device_type().name == kind
    )
    now = peak = 0
    for _, _, size in changes:
        now += size
        peak = max(peak, now)
    return peak, max(now, 0)


def _sweep(events: Iterable[Any]) -> _Sums:
    """Add up the outermost operators that have a formula, in order of time."""
    sums, stack = _Sums(), list[_Open]()
    timed = [event for event in events if event.activity_type() == "cpu_op" and event.name() != _MEMORY]
    for event in sorted(timed, key=lambda event: (event.start_ns(), -event.end_ns())):
        while stack and stack[-1].end <= event.start_ns():
            _close(stack, sums)
        total = event.end_ns() - event.start_ns()
        if stack:
            stack[-1].own_ns -= total
        opened = _Open(event.name(), event.end_ns(), bool(stack and stack[-1].counted), total, total_ns=total)
        opened.is_operator = event.scope() == 0 and not event.name().startswith("autograd::engine")
        if opened.is_operator and not opened.counted:
            _count(opened, event, sums)
        stack.append(opened)
    while stack:
        _close(stack, sums)
    return sums


def _count(opened: _Open, event: Any, sums: _Sums) -> None:
    shapes, dtypes = tuple(event.structured_input_shapes()), tuple(event.dtypes())
    found = count_flops(Operator(opened.name, shapes, dtypes, tuple(event.concrete_inputs())))
    if found is not None:
        opened.counted = opened.explained = True
        sums.flops += found


def _close(stack: list[_Open], sums: _Sums) -> None:
    done = stack.pop()
    if stack:
        stack[-1].explained |= done.explained
    if not done.is_operator:
        return
    sums.time_ns += max(done.own_ns, 0)
    # not one that only hands on to others: these are counted or named themselves
    if not (done.counted or done.explained) and 2 * done.own_ns > done.total_ns:
        sums.uncounted_ns[done.name] += done.own_ns
