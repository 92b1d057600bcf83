"""What ran when in the traced windows, small enough to be kept with a result, and its Chrome trace."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tauto.profiling.anatomy import ModuleKey
from tauto.profiling.ranges import range_number
from tauto.profiling.tracer import Window

__all__ = ["Spans", "chrome_trace", "spans_of"]

_KINDS = ("module", "operator", "annotation", "device")
_MODULE, _OPERATOR, _ANNOTATION, _DEVICE = range(4)
_KINETO = {"cpu_op": _OPERATOR, "user_annotation": _ANNOTATION}
_PROCESS = 1
_GPU = 2
_MOST = 1_000_000
"""Spans kept of one session; some 30 bytes each."""


@dataclass(slots=True)
class Spans:
    """Spans of time in columns, one entry a span; nanoseconds from the beginning of the cell, our own time included."""

    names: list[str] = field(default_factory=list)
    """Each name once; :attr:`name` holds indices."""
    name: array[int] = field(default_factory=lambda: array("I"))
    start_ns: array[int] = field(default_factory=lambda: array("q"))
    duration_ns: array[int] = field(default_factory=lambda: array("q"))
    thread: array[int] = field(default_factory=lambda: array("q"))
    kind: array[int] = field(default_factory=lambda: array("B"))
    left_out: int = 0
    """Spans beyond the first million."""

    def __len__(self) -> int:
        return len(self.name)


def spans_of(windows: Iterable[Window], keys: Sequence[ModuleKey], began_ns: int) -> Spans:
    """Return the spans of ``windows``: module calls under their paths, operators, annotations and kernels.

    Parameters
    ----------
    windows : iterable of Window
        With their raw results.
    keys : sequence of ModuleKey
        Of every range number in the trace.
    began_ns : int
        When the cell began, as :func:`time.perf_counter_ns`.
    """
    spans = Spans()
    known: dict[str, int] = {}
    for window in windows:
        shift = window.offset_ns - began_ns
        for event in window.result.events():
            kind = _kind(event)
            if kind is None:
                continue
            if len(spans) >= _MOST:
                spans.left_out += 1
                continue
            name, kind = _named(event.name(), kind, keys)
            index = known.get(name)
            if index is None:
                index = known[name] = len(spans.names)
                spans.names.append(name)
            spans.name.append(index)
            spans.start_ns.append(event.start_ns() + shift)
            spans.duration_ns.append(event.duration_ns())
            spans.thread.append(event.device_resource_id() if kind == _DEVICE else event.start_thread_id())
            spans.kind.append(kind)
    return spans


def _kind(event: Any) -> int | None:
    found = _KINETO.get(event.activity_type())
    if found is not None:
        return found
    # what ran on an accelerator has a device of its own; the rest is the profiler's bookkeeping
    return _DEVICE if event.device_type().name != "CPU" and event.duration_ns() > 0 else None


def _named(name: str, kind: int, keys: Sequence[ModuleKey]) -> tuple[str, int]:
    number = range_number(name)
    if number is None:
        return name, kind
    if number >= len(keys):
        return "module", _MODULE
    key = keys[number]
    return f"{key.path or '(the model)'} ({key.kind})" if key.path is not None else f"({key.kind})", _MODULE


def chrome_trace(spans: Spans, subject: str) -> dict[str, Any]:
    """Return ``spans`` in the form that chrome://tracing and Perfetto read; times in microseconds.

    The form is that of Google's "Trace Event Format": complete events (``ph`` is ``X``) of one process, a row a thread,
    and of the accelerator, a row a stream.
    """
    events: list[dict[str, Any]] = [
        _meta("process_name", _PROCESS, 0, f"Profile of {subject}"),
        *(_meta("thread_name", _PROCESS, thread, f"thread {thread}") for thread in sorted(_threads(spans, False))),
    ]
    if streams := sorted(_threads(spans, True)):
        events.append(_meta("process_name", _GPU, 0, "device"))
        events += [_meta("thread_name", _GPU, stream, f"stream {stream}") for stream in streams]
    for index in range(len(spans)):
        kind = spans.kind[index]
        events.append(
            {
                "ph": "X",
                "cat": _KINDS[kind],
                "name": spans.names[spans.name[index]],
                "ts": spans.start_ns[index] / 1000,
                "dur": spans.duration_ns[index] / 1000,
                "pid": _GPU if kind == _DEVICE else _PROCESS,
                "tid": spans.thread[index],
            }
        )
    return {"displayTimeUnit": "ms", "traceEvents": events, "otherData": {"left_out": spans.left_out}}


def _threads(spans: Spans, device: bool) -> set[int]:
    return {thread for thread, kind in zip(spans.thread, spans.kind, strict=True) if (kind == _DEVICE) is device}


def _meta(what: str, process: int, thread: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": process, "tid": thread, "args": {"name": name}}
