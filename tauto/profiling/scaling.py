"""A model at several sizes of its inputs: time in interleaved blocks, work and memory counted in a traced call."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import psutil
import torch

from tauto.config.scale import Scale
from tauto.errors import InvalidArgument, ModelError
from tauto.events import Progress, emit
from tauto.hardware import Hardware
from tauto.measurement.blocks import latency_of, run_block, synchronizer
from tauto.profiling import growth
from tauto.profiling.counting import CallCount, count_call
from tauto.profiling.scaling_inputs import Places, places_of, resized
from tauto.reports.measurement import Latency
from tauto.reports.scaling import Growth, ScalePoint, ScaleSeries, ScalingReport, SizeLeftOut
from tauto.workload import Workload
from tauto.workload.state import evaluating, preserved_rng

__all__ = ["measure_scaling"]

ROUNDS = 5
"""Blocks of each size, one after another in every round, so that a slow moment is shared by all."""
CALLS_EXPECTED = 8
"""Calls that a size takes at least: two to warm up, one traced, and a block of five."""
MEMORY_SHARE = 0.6
"""Of what is free: a size that is expected to allocate more is left out."""
MOST_EVENTS = 300_000
"""A trace expected to be longer is not taken; its FLOPs are then unknown."""

Samples = Any
Caller = Callable[[int], Callable[[], Any]]


@dataclass(slots=True)
class _Size:
    size: int
    count: CallCount | None
    blocks: list[Samples] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Of a call that nothing disturbs, for what is to be expected of the next size."""
        return float(np.quantile(np.concatenate(self.blocks), 0.05))


def measure_scaling(workload: Workload, scale: Scale, budget_s: float) -> ScalingReport:
    """Return time, memory and work of one inference call against the size that ``scale`` says.

    Sizes are tried in rising order. One that the model refuses is named with the model's own words; one that would
    not fit into memory or into the time is left out and named.

    Raises
    ------
    InvalidArgument
        When no input has such a dimension, or ``tokens`` is asked of a model that does not generate.
    ModelError
        When the model refuses every size.
    """
    count_call(lambda: None)  # the first trace of a process loads the profiler, which is no part of the time
    began = time.perf_counter()
    call, model = workload.example, workload.model
    if scale.name == "tokens":
        places = Places((), ("new tokens",))
        callers: dict[str, Caller] = {
            "with cache": _generator(workload, cache=True),
            "without cache": _generator(workload, cache=False),
        }
    else:
        places = places_of(scale, call, model)
        callers = {"": lambda size: _calling(workload, places, size)}
    units = _units(scale, workload)
    series, left_out, uncounted = [], list[SizeLeftOut](), dict[str, None]()
    with evaluating(model), preserved_rng(), torch.inference_mode():
        for index, (name, caller) in enumerate(callers.items()):
            end = began + budget_s * (index + 1) / len(callers)
            run = _Run(scale, caller, end, workload.device.type, name)
            run.measure()
            left_out += run.left_out
            for size in run.done:
                uncounted.update(dict.fromkeys(size.count.uncounted if size.count else ()))
            if run.done:
                series.append(_series(name, run.done, units))
    if not series:
        raise ModelError(f"scale: no size of {scale} could be measured: {left_out[0].reason}")
    hardware = Hardware.current(workload.device.type)
    return ScalingReport(
        model=workload.name,
        scale=str(scale),
        dimension=scale.target,
        dimensions=places.names,
        unit={"batch": "samples", "seq": "positions", "tokens": "tokens"}.get(scale.name, "samples"),
        series=tuple(series),
        left_out=tuple(left_out),
        shapes=call.shapes,
        uncounted=tuple(uncounted),
        machine=hardware.summary,
        fingerprint=hardware.fingerprint,
        device=workload.device.type,
        threads=torch.get_num_threads(),
        budget_s=budget_s,
        wall_s=time.perf_counter() - began,
    )


def _units(scale: Scale, workload: Workload) -> Callable[[int], int]:
    """Return how many of the unit one call of a size holds."""
    batch = workload.example.batch
    if scale.name == "batch":
        return lambda size: size
    if scale.name in ("seq", "tokens"):
        return lambda size: batch * size
    return lambda size: batch


def _calling(workload: Workload, places: Places, size: int) -> Callable[[], Any]:
    call = resized(workload.example, places, size)
    return lambda: call(workload.model)


def _generator(workload: Workload, *, cache: bool) -> Caller:
    model, call = workload.model, workload.example
    generate = getattr(model, "generate", None)
    if not callable(generate):
        raise InvalidArgument(
            f"scale: {type(model).__name__} has no generate(), so it makes no tokens. Scale an input: 'seq=64..512'."
        )
    config = getattr(model, "generation_config", None)
    ends = getattr(config, "eos_token_id", None)
    pad = getattr(config, "pad_token_id", None)
    pad = pad if pad is not None else (ends[0] if isinstance(ends, list) else ends) or 0

    def caller(size: int) -> Callable[[], Any]:
        fixed = {"max_new_tokens": size, "min_new_tokens": size, "do_sample": False, "num_beams": 1}
        return lambda: generate(*call.args, **call.kwargs, **fixed, use_cache=cache, pad_token_id=pad)

    return caller


class _Run:
    """The sizes of one series, measured one after another and then round by round."""

    def __init__(self, scale: Scale, caller: Caller, end: float, device: str, name: str) -> None:
        self.done: list[_Size] = []
        self.left_out: list[SizeLeftOut] = []
        self._refused: list[tuple[int, str]] = []
        self._scale, self._caller, self._end, self._device, self._name = scale, caller, end, device, name
        self._began = time.perf_counter()
        self._wait = synchronizer(device)

    def measure(self) -> None:
        """Fill :attr:`done` and :attr:`left_out`."""
        sizes = self._scale.sizes
        for index, size in enumerate(sizes):
            if why := self._unaffordable(size):
                self._leave(sizes[index:], why)
                break
            self._tell(size, index / len(sizes) / 2)
            try:
                self.done.append(self._first(size))
            except Exception as error:  # the model's own words, whatever they are
                said = f"{type(error).__name__}: {error}".splitlines()[0][:200]
                if self.done:
                    again = any(_unnumbered(said) == _unnumbered(earlier) for _, earlier in self._refused)
                    why = "for the same reason" if again else f"its own error: {said}"
                    self._leave(sizes[index:], f"from {size:,} on the model refuses{',' if again else ';'} {why}")
                    break
                self._refused.append((size, said))
        self._leave_refused()
        self._rounds()

    def _leave_refused(self) -> None:
        """Name the first sizes that the model refused, the same error once."""
        for _, group in groupby(self._refused, key=lambda one: _unnumbered(one[1])):
            refused = list(group)
            words = f"it; its own error: {refused[0][1]}"
            if len(refused) > 1:
                words = f"them; its own error, at {refused[0][0]:,}: {refused[0][1]}"
            self.left_out.append(
                SizeLeftOut(tuple(size for size, _ in refused), f"the model refuses {words}", self._name)
            )
        self.left_out.sort(key=lambda left: left.sizes[0])

    def _first(self, size: int) -> _Size:
        function = self._caller(size)
        function()
        count = count_call(function, self._device) if self._traceable(size) else None
        made = _Size(size, count)
        made.blocks.append(run_block(function, self._wait))
        return made

    def _rounds(self) -> None:
        for number in range(1, ROUNDS):
            for index, made in enumerate(self.done):
                if time.perf_counter() + CALLS_EXPECTED * made.seconds > self._end:
                    continue
                self._tell(made.size, 0.5 + (number - 1 + index / len(self.done)) / (ROUNDS - 1) / 2)
                made.blocks.append(run_block(self._caller(made.size), self._wait))

    def _tell(self, size: int, done: float) -> None:
        passed = time.perf_counter() - self._began
        left = min(passed / done - passed, self._end - time.perf_counter()) if done > 0.1 else None
        words = f"{self._scale.target} = {size:,}" + (f", {self._name}" if self._name else "")
        emit(Progress("scale", words, done, left))

    def _leave(self, sizes: Sequence[int], reason: str) -> None:
        self.left_out.append(SizeLeftOut(tuple(sizes), reason, self._name))

    def _expected(self, size: int, values: Sequence[float]) -> float:
        """Return the last value, grown as it did last (quadratically while only one is known)."""
        sizes = [made.size for made in self.done]
        power = 2.0
        if len(values) >= 2 and values[-2] > 0 and values[-1] > 0:
            power = float(np.log(values[-1] / values[-2]) / np.log(sizes[-1] / sizes[-2]))
        return float(values[-1] * (size / sizes[-1]) ** min(max(power, 1.0), 3.0))

    def _unaffordable(self, size: int) -> str:
        """Say why ``size`` should not be tried; empty when it may be."""
        if not self.done:
            return ""
        needed = CALLS_EXPECTED * self._expected(size, [made.seconds for made in self.done])
        if time.perf_counter() + needed > self._end:
            return f"the time was up: it would take about {needed:.0f} s more. Give more: --budget, or budget=…"
        counts = [made.count for made in self.done]
        if all(count is not None for count in counts):
            expected = self._expected(size, [float(count.peak_bytes) for count in counts if count])
            if expected > MEMORY_SHARE * _free_bytes(self._device):
                return f"it would allocate about {expected / 1e9:.1f} GB, too much of what is free here"
        return ""

    def _traceable(self, size: int) -> bool:
        last = self.done[-1] if self.done else None
        if last is None:
            return True
        return last.count is not None and last.count.events * max(size / last.size, 1.0) < MOST_EVENTS


def _unnumbered(error: str) -> str:
    """Return an error without its numbers: at another size it has others."""
    return re.sub(r"\d+", "#", error)


def _free_bytes(device: str) -> int:
    gc.collect()
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def _series(name: str, done: list[_Size], units: Callable[[int], int]) -> ScaleSeries:
    points = tuple(_point(made, units(made.size)) for made in done)
    sizes = [point.size for point in points]
    rates = [point.latency.throughput_per_s for point in points]
    return ScaleSeries(
        name=name,
        points=points,
        growths=tuple(_growths(points)),
        best=growth.best_size(sizes, rates),
        knee=growth.knee(sizes, rates),
        still_rising=growth.still_rising(rates),
    )


def _point(made: _Size, units: int) -> ScalePoint:
    latency: Latency = latency_of(made.blocks, units)
    count = made.count
    return ScalePoint(made.size, latency, count.flops if count else None, count.peak_bytes if count else None)


def _growths(points: tuple[ScalePoint, ...]) -> list[Growth]:
    sizes = [point.size for point in points]
    found = [growth.measured_growth("time", sizes, [point.latency.p50_ms for point in points])]
    traced = [point for point in points if point.flops is not None and point.peak_bytes is not None]
    sizes = [point.size for point in traced]
    if traced:
        found.append(growth.counted_growth("memory", sizes, [float(point.peak_bytes or 0) for point in traced]))
        found.append(growth.counted_growth("flops", sizes, [float(point.flops or 0) for point in traced]))
    return found
