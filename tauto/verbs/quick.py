"""A model in a few lines; its latency and its memory alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tauto import measurement
from tauto.hardware import Hardware, checked_share
from tauto.profiling import profile_model
from tauto.profiling.footprint import count_inference, footprint_of
from tauto.reports import Latency, ProfileReport, SummaryReport, TopModule
from tauto.results import FootprintResult, SummaryResult
from tauto.verbs.compare import callable_workload
from tauto.verbs.delivery import deliver
from tauto.workload.state import evaluating, preserved_rng

__all__ = ["measure_latency", "measure_memory", "quick_profile"]

_TOP = 3
_TIME_S = 2.0


def quick_profile(model: nn.Module, inputs: Any = None, *, name: str | None = None) -> SummaryResult:
    """Return a model in a few lines: latency, work and how near to this machine's ceiling, size, memory, top modules.

    For where all the time goes, with findings, use :func:`tauto.profile`.

    Parameters
    ----------
    model : torch.nn.Module
        Run in ``eval()`` under ``inference_mode()``; stays as it is.
    inputs : Tensor, tuple or dict, optional
        What to call it with; default what a profiled block called it with.
    name : str, optional
        What to call the model in the report.

    Examples
    --------
    >>> tauto.quick_profile(model, x).gflops_per_s  # doctest: +SKIP
    84.1
    """
    workload = callable_workload(model, inputs, name)
    call = workload.example
    measured = measurement.measure(model, call, name=workload.name, time_cap_s=_TIME_S)
    counted = count_inference(model, call)
    with evaluating(model), preserved_rng(), torch.inference_mode():
        profiled = profile_model(model, call.args, call.kwargs, subject=workload.name).report
    hardware = Hardware.current(workload.device.type)
    precision = profiled.modules[0].precision if profiled.modules else "float32"
    achieved = counted.flops / measured.latency.p50_ms / 1e6
    return deliver(
        SummaryResult(
            SummaryReport(
                name=workload.name,
                latency=measured.latency,
                flops=counted.flops,
                uncounted=counted.uncounted,
                gflops_per_s=achieved,
                precision=precision,
                share_of_ceiling=checked_share(hardware, hardware.ceilings(), achieved, precision).value,
                parameters=measured.parameters,
                size_bytes=measured.size_bytes,
                footprint=footprint_of(model, call, workload.name, counted),
                top=_top(profiled),
                shapes=call.shapes,
                machine=hardware.summary,
                fingerprint=hardware.fingerprint,
                device=workload.device.type,
                threads=torch.get_num_threads(),
            )
        )
    )


def _top(report: ProfileReport) -> tuple[TopModule, ...]:
    whole = sum(row.self_ms for row in report.modules) or 1.0
    ranked = sorted(report.modules, key=lambda row: -row.self_ms)[:_TOP]
    return tuple(TopModule(row.path, row.kind, row.self_ms / whole) for row in ranked)


def measure_latency(model: nn.Module, inputs: Any = None) -> Latency:
    """Return the latency of a call in ``eval()`` under ``inference_mode()``: median, p95, throughput.

    Examples
    --------
    >>> tauto.measure_latency(model, x).p50_ms  # doctest: +SKIP
    0.41
    """
    workload = callable_workload(model, inputs)
    return measurement.measure(model, workload.example).latency


def measure_memory(model: nn.Module, inputs: Any = None, *, name: str | None = None) -> FootprintResult:
    """Return what a model holds and what one call allocates on top, for inference and for a backward pass.

    Sums of what torch allocates, exact and the same at each call; not the memory of the process, which
    :func:`tauto.autotune` measures in a process of its own for each variant.

    Examples
    --------
    >>> tauto.measure_memory(model, x).peak_bytes  # doctest: +SKIP
    46_700_000
    """
    workload = callable_workload(model, inputs, name)
    return deliver(FootprintResult(footprint_of(model, workload.example, workload.name)))
