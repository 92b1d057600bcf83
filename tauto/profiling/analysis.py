"""From what a session wrote down to the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import psutil

from tauto.hardware import Hardware, listed
from tauto.profiling.facts import Facts, RootFacts
from tauto.profiling.findings import find
from tauto.profiling.observed import Seen
from tauto.profiling.probes import can_keep_freed_memory, operator_us, page_fault_us
from tauto.profiling.probing import with_probes
from tauto.profiling.recorder import Recorder, RootRecord
from tauto.profiling.roofline import Roofline
from tauto.profiling.steps import dropped_ranges, steps_of
from tauto.profiling.tensor_memory import tensor_memory
from tauto.profiling.trace import Trace, Work, read_trace
from tauto.profiling.tree import ModuleSum, module_row, module_sums, operator_rows, uncounted
from tauto.reports.memory import MemoryTimeline
from tauto.reports.profile import LineRow, Phase, PhaseName, ProfileReport, RootModel, Usage

__all__ = ["Observation", "analyse"]


@dataclass(frozen=True, slots=True)
class Observation:
    """What is left when a session has ended."""

    subject: str
    began_ns: int
    """As :func:`time.perf_counter_ns`."""
    peak_bytes: int
    recorder: Recorder
    names: Mapping[int, str]
    """Of the roots, in the user's namespace."""
    threads: int
    lines: tuple[LineRow, ...]
    looks: int
    """Of which the lines are the shares."""
    usage: Usage
    line_of: Callable[[str, int], str] | None
    """Says of a recorded Python frame which line of the user's it is; None when stacks were not recorded."""
    beside: Seen
    """Optimizers, loaders and what else the rules ask about."""


def analyse(seen: Observation) -> ProfileReport:
    """Return the report of ``seen``."""
    began = time.perf_counter_ns()
    recorder = seen.recorder
    events = (event for window in recorder.tracer.windows for event in window.events())
    trace = read_trace(events, recorder.root_ranges, dropped_ranges(recorder.marks))
    phases = _phases(recorder)
    sums = module_sums(trace, recorder.keys)
    device = _device(recorder)
    hardware = Hardware.current(device)
    roofline = Roofline(hardware, hardware.ceilings())
    roots = tuple(_root(record, seen.names.get(record.index, "")) for record in recorder.roots)
    report = ProfileReport(
        subject=seen.subject,
        wall_ms=recorder.clock.wall_ns / 1e6,
        outside_ms=sum(phase.total_ms for phase in phases if phase.name in ("data", "loss", "other")),
        root_calls=sum(record.calls for record in recorder.roots),
        sampled_calls=sum(trace.sampled.values()),
        roots=roots,
        modules=tuple(module_row(total, roofline, has_backward=trace.backward_ns > 0) for total in sums.values()),
        operators=operator_rows(trace),
        uncounted=uncounted(trace),
        flops=_flops_per_call(sums.get((0, "")), trace),
        peak_bytes=seen.peak_bytes,
        allocated_bytes=trace.allocated_bytes,
        findings=(),
        machine=hardware.summary,
        fingerprint=hardware.fingerprint,
        device=device,
        threads=seen.threads,
        analysis_ms=0.0,
        ceilings=listed(roofline.ceilings),
        phases=phases,
        steps=steps_of(recorder),
        lines=seen.lines,
        usage=seen.usage,
        memory=_memory(seen, roots),
    )
    facts = _facts(seen, trace, {place[0]: total for place, total in sums.items() if place[1] == ""}, roofline)
    report = replace(report, findings=find(report, with_probes(report, facts, list(trace.heavy.values()))))
    return replace(report, analysis_ms=(time.perf_counter_ns() - began) / 1e6)


def _phases(recorder: Recorder) -> tuple[Phase, ...]:
    """Return the phases that occurred, and what is left."""
    clock = recorder.clock
    return tuple(
        Phase(name, clock.calls[name], clock.spent[name] / 1e6)
        for name in get_args(PhaseName)
        if name == "other" or clock.calls[name] or clock.spent[name]
    )


def _memory(seen: Observation, roots: Sequence[RootModel]) -> MemoryTimeline | None:
    recorder = seen.recorder
    if recorder.holders is None:
        return None
    return tensor_memory(
        recorder.tracer.windows,
        recorder.holders.notes,
        recorder.root_ranges,
        recorder.keys,
        [root.name for root in roots],
        seen.began_ns,
        line_of=seen.line_of,
        call_lines={number: key.line for number, key in enumerate(recorder.keys)},
    )


def _device(recorder: Recorder) -> str:
    used = {device for record in recorder.roots if record.anatomy for device in record.anatomy.devices}
    return next((device for device in ("cuda", "mps") if device in used), "cpu")


def _root(record: RootRecord, name: str) -> RootModel:
    anatomy = record.anatomy
    return RootModel(
        name=name or record.kind,
        kind=record.kind,
        calls=record.calls,
        total_ms=record.total_ns / 1e6,
        parameters=anatomy.parameters if anatomy else 0,
        parameter_bytes=anatomy.parameter_bytes if anatomy else 0,
        shapes=tuple(record.shapes),
        training=record.training_calls > 0,
        remembered_samples=record.remembered_samples,
    )


def _flops_per_call(total: ModuleSum | None, trace: Trace) -> int:
    calls = trace.sampled.get(0, 0)
    return round(total.work.total_flops / calls) if total and calls else 0


def _facts(seen: Observation, trace: Trace, tops: Mapping[int, ModuleSum], roofline: Roofline) -> Facts:
    recorder, beside, habits = seen.recorder, seen.beside, trace.habits
    sampled = max(trace.sampled.values(), default=1)
    return Facts(
        roots=tuple(_root_facts(record, seen, tops.get(record.index), trace) for record in recorder.roots),
        backward_calls=recorder.clock.calls["backward"],
        backward_ms=recorder.clock.spent["backward"] / 1e6,
        step_ms=recorder.clock.spent["optimizer"] / 1e6,
        gflops=dict(roofline.ceilings.gflops),
        threads=seen.threads,
        copy_cache_gbps=roofline.ceilings.copy_cache_gbps,
        copy_memory_gbps=roofline.ceilings.copy_memory_gbps,
        cores=roofline.hardware.cores,
        physical_cores=psutil.cpu_count(logical=False) or 0,
        memory_bytes=roofline.hardware.memory_bytes,
        scalars_per_step=(habits.scalars_inside + habits.scalars_outside) / sampled,
        conversions_per_step=habits.recorded_conversions / sampled,
        conversion_ms=habits.conversions_ns / 1e6 / sampled,
        looks=seen.looks,
        not_traced=recorder.tracer.refused,
        optimizers=beside.optimizers,
        loaders=beside.loaders,
        compiler=beside.compiler,
        page_faults=beside.page_faults,
        page_fault_us=page_fault_us(),
        operator_us=operator_us(),
        keeps_freed_memory=can_keep_freed_memory(),
    )


def _root_facts(record: RootRecord, seen: Observation, top: ModuleSum | None, trace: Trace) -> RootFacts:
    anatomy, work = record.anatomy, top.work if top else Work()
    return RootFacts(
        name=seen.names.get(record.index, ""),
        kind=record.kind,
        calls=record.calls,
        latency_ms=record.total_ns / 1e6 / max(record.calls, 1),
        training_calls=record.training_calls,
        grad_calls=record.grad_calls,
        eval_grad_calls=record.eval_grad_calls,
        is_loss=record.phase == "loss",
        trainable=bool(anatomy and anatomy.trainable),
        operators_per_call=work.operators / max(trace.sampled.get(record.index, 0), 1),
        precision=work.precision,
        convolutions=anatomy.convolutions if anatomy else 0,
        channels_last=bool(anatomy and anatomy.channels_last),
        foldable_norms=anatomy.foldable_norms if anatomy else 0,
        mode_dependent=anatomy.mode_dependent if anatomy else 0,
        opaque=anatomy.opaque if anatomy else "",
        not_remembered=record.not_remembered,
        traced=record.traced_calls > 0,
        frozen=seen.beside.frozen.get(record.index, ()),
        frozen_first=record.index in seen.beside.frozen_first,
        unused=seen.beside.unused.get(record.index, ()),
    )
