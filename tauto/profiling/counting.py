"""The work and the memory of one call, exactly: counted in a trace of that call alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from tauto.errors import InvalidArgument
from tauto.profiling.anatomy import is_compiled
from tauto.profiling.quiet import quiet_stderr
from tauto.profiling.ranges import RANGE
from tauto.profiling.trace import read_trace
from tauto.profiling.tree import uncounted

__all__ = ["CallCount", "count_call", "uncompiled"]

_NUMBER = 0
_RANGE = f"{RANGE}{_NUMBER}"
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


def _read(events: list[Any], device: str) -> CallCount:
    call = next(event for event in events if event.name() == _RANGE)
    inside = [event for event in events if call.start_ns() <= event.start_ns() <= call.end_ns()]
    peak, kept = _allocated(inside, device)
    # what other threads did meanwhile is no work of the call
    trace = read_trace((event for event in inside if event.start_thread_id() == call.start_thread_id()), {_NUMBER: 0})
    flops = sum(row.flops for row in trace.operators.values())
    return CallCount(flops, uncounted(trace, _UNCOUNTED_SHARE), peak, kept, len(events))


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
