"""Two models compared: outputs, quality, time, size and memory, under the same conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

from tauto.measurement.latency import measurement_of
from tauto.measurement.quality import Judgement, judge_pair
from tauto.measurement.timing import PairTiming, time_pair
from tauto.reports.comparison import Comparison, Conditions
from tauto.reports.measurement import Memory
from tauto.workload.call import Call
from tauto.workload.state import evaluating
from tauto.workload.workload import Workload

if TYPE_CHECKING:
    from tauto.hardware import Hardware

__all__ = ["compare", "comparison_of", "conditions_of", "time_models"]

OUTPUTS_SHARE = 0.25
"""Share of the time cap that running the original for its outputs may take."""


def compare(
    original: nn.Module,
    optimized: nn.Module,
    workload: Workload,
    *,
    hardware: Hardware,
    names: tuple[str, str] = ("original", "optimized"),
    time_cap_s: float = 20.0,
    give_up_below: float | None = None,
    baseline_quality: Mapping[str, float] | None = None,
    preparation_s: float | None = None,
    memory: tuple[Memory, Memory] | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare two models on ``workload``: outputs, then quality, then time in interleaved blocks.

    Both run in ``eval()`` under ``inference_mode()`` on the same inputs with the same threads; modes, random states
    and the thread count are restored.

    Parameters
    ----------
    original, optimized : torch.nn.Module
        Only called.
    workload : Workload
        Its example is timed, its samples are compared, its ``evaluate`` judges.
    hardware : Hardware
        Named in the report.
    names : tuple of str
        What the report calls the two.
    time_cap_s : float
        Of the timing; checking outputs and ``evaluate`` come on top.
    give_up_below : float, optional
        Stop timing early when the speedup is clearly below this.
    baseline_quality : mapping, optional
        What ``evaluate`` gave for the original, when known.
    preparation_s : float, optional
        What making ``optimized`` took, for the break-even.
    memory : tuple of Memory, optional
        Of the two, each measured in a process of its own.
    seed : int
        Of the order of blocks and of resampling.
    """
    judgement = judge_pair(
        workload, original, optimized, baseline=baseline_quality, time_cap_s=OUTPUTS_SHARE * time_cap_s
    )
    timing = time_models(
        original, optimized, workload.example, time_cap_s=time_cap_s, give_up_below=give_up_below, seed=seed
    )
    return comparison_of(
        original,
        optimized,
        workload.example,
        judgement,
        timing,
        hardware=hardware,
        names=names,
        preparation_s=preparation_s,
        memory=memory,
    )


def time_models(
    original: nn.Module,
    optimized: nn.Module,
    call: Call,
    *,
    time_cap_s: float = 20.0,
    give_up_below: float | None = None,
    seed: int = 0,
) -> PairTiming:
    """Time two models against each other on ``call``, in ``eval()`` under ``inference_mode()``."""
    with evaluating(original, optimized), torch.inference_mode():
        return time_pair(
            lambda: call(original),
            lambda: call(optimized),
            batch=call.batch,
            time_cap_s=time_cap_s,
            give_up_below=give_up_below,
            seed=seed,
            device=_device(call),
        )


def comparison_of(
    original: nn.Module,
    optimized: nn.Module,
    call: Call,
    judgement: Judgement,
    timing: PairTiming,
    *,
    hardware: Hardware,
    names: tuple[str, str] = ("original", "optimized"),
    preparation_s: float | None = None,
    memory: tuple[Memory, Memory] | None = None,
) -> Comparison:
    """Return the comparison that a judgement and a timing make; nothing is run."""
    memories = memory or (None, None)
    before = measurement_of(original, names[0], timing.a, memories[0])
    after = measurement_of(optimized, names[1], timing.b, memories[1])
    return Comparison(
        original=before,
        optimized=after,
        conditions=conditions_of(call, hardware),
        speedup=timing.speedup,
        speedup_interval=timing.interval,
        size_ratio=after.size_bytes / max(1, before.size_bytes),
        memory_ratio=_memory_ratio(before.memory, after.memory),
        quality_drop=judgement.drop,
        quality_held=judgement.held,
        quality_rule=judgement.rule,
        agreement=judgement.agreement,
        verdict=timing.verdict,
        settled=timing.settled,
        preparation_s=preparation_s,
        break_even_calls=_break_even(preparation_s, timing),
        quality=judgement.quality,
    )


def _device(call: Call) -> str:
    return next((tensor.device.type for tensor in call.tensors), "cpu")


def conditions_of(call: Call, hardware: Hardware) -> Conditions:
    """Return what holds for both sides of a comparison on ``call``."""
    return Conditions(
        machine=hardware.summary,
        fingerprint=hardware.fingerprint,
        device=_device(call),
        threads=torch.get_num_threads(),
        shapes=call.shapes,
        batch=call.batch,
    )


def _memory_ratio(before: Memory, after: Memory) -> float | None:
    if before.steady_bytes and after.steady_bytes is not None:
        return after.steady_bytes / before.steady_bytes
    return None


def _break_even(preparation_s: float | None, timing: PairTiming) -> int | None:
    """Return the calls that pay for the preparation, when the speedup is beyond doubt."""
    saved_s = (timing.a.p50_ms - timing.b.p50_ms) / 1e3
    if preparation_s is None or timing.interval.low <= 1.0 or saved_s <= 0.0:
        return None
    return math.ceil(preparation_s / saved_s)
