"""A memory timeline made by hand, and the events of a window."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch._C._profiler import RecordScope, _EventType

from tauto.reports.memory import AllocationSite, MemoryPeak, MemoryTimeline


def timeline(growth: int = 0) -> MemoryTimeline:
    """Two traced stretches of a training step, 1 kB of activations at the peak of 1.9 kB."""
    leak = (AllocationSite("net", "aten::linear", "train.py:7", growth, 1.0),) if growth else ()
    return MemoryTimeline(
        device="cpu",
        times_ms=(0.0, 2.0, 4.0, 6.0, 100.0, 102.0),
        categories={
            "parameters": (400,) * 6,
            "gradients": (0, 0, 300, 0, 0, 300),
            "optimizer_state": (0, 0, 0, 100, 100, 100),
            "activations": (0, 1000, 1000, 0, 0, 500),
            "inputs": (0, 100, 100, 100, 0, 0),
            "other": (0, 0, 100, 0, 0, 0),
        },
        peak=MemoryPeak(
            4.0,
            1900,
            {
                "parameters": 400,
                "gradients": 300,
                "optimizer_state": 0,
                "activations": 1000,
                "inputs": 100,
                "other": 100,
            },
            "net.fc",
            "AddmmBackward0",
            "train.py:9",
            "backward",
        ),
        steps=4,
        allocated_bytes_per_step=1500,
        freed_bytes_per_step=1500 - growth,
        growth_bytes_per_step=growth,
        growth_sites=leak,
        sites=(
            AllocationSite("net.fc", "aten::linear", "train.py:7", 1000, 1.0),
            AllocationSite("", "aten::randn", "", 100, 1.5),
        ),
        start_bytes=400,
        windows=(0, 4),
        growth_steps=3,
    )


def event(tag: Any, name: str, start: int, end: int, *below: Any, **fields: Any) -> Any:
    """One event of torch's event tree, with those below it."""
    return SimpleNamespace(
        tag=tag,
        name=name,
        start_time_ns=start,
        end_time_ns=end,
        extra_fields=SimpleNamespace(**fields),
        children=list(below),
    )


def operator(
    name: str, start: int, end: int, *below: Any, sequence: int = -1, scope: Any = RecordScope.FUNCTION
) -> Any:
    """An operator, or what else has a name there."""
    return event(_EventType.TorchOp, name, start, end, *below, sequence_number=sequence, scope=scope)


def annotation(name: str, start: int, end: int, *below: Any) -> Any:
    """A range that torch or the user named."""
    return operator(name, start, end, *below, scope=RecordScope.USER_SCOPE)


def node(name: str, start: int, end: int, *below: Any, sequence: int = -1) -> Any:
    """A node of a backward pass as the engine runs it."""
    inner = operator(name, start, end, *below, sequence=sequence, scope=RecordScope.BACKWARD_FUNCTION)
    return operator(f"autograd::engine::evaluate_function: {name}", start, end, inner, sequence=sequence)


def memory(time: int, address: int, size: int, device: str = "cpu", total: int = 0) -> Any:
    """An allocation, or with a negative size a free."""
    fields = {"ptr": address, "alloc_size": size, "device": torch.device(device), "total_allocated": total}
    return event(_EventType.Allocation, "[memory]", time, time, **fields)


def python(file: str, line: int, start: int, end: int, *below: Any) -> Any:
    """A call of a Python function, and the line that it was called from."""
    caller = SimpleNamespace(file_name=file, line_number=line)
    return event(_EventType.PyCall, "f", start, end, *below, caller=caller)
