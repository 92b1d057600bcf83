"""Blocks of timed calls after untimed ones that let caches and thread pools settle."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from tauto.measurement.statistics import TRIM, Samples
from tauto.reports.measurement import QUANTILES, Latency

__all__ = ["LONG_CALL_S", "Function", "latency_of", "run_block", "synchronizer", "warm_up"]

BLOCK_S = 0.05
BLOCK_CALLS = 5
"""On a busy machine single calls are drawn from two worlds: a block's median needs several."""
LONGEST_BLOCK_S = 0.2
SETTLE_S = 0.025
"""Longer than the thread pool of a rival engine spins after its last call."""
SETTLE_CALLS = 2
LONGEST_SETTLE_S = 0.05
LONG_CALL_S = 0.5
"""Where both sides take this long, a call drowns what settling would remove."""
WARM_GROUP_S = 0.01
WARM_AGREE = 0.10
WARM_GROUPS = 20

Function = Callable[[], Any]
"""What is timed, or waits for a device."""


def synchronizer(device: str) -> Function:
    """Return what waits for ``device`` to finish: nothing for the CPU, which has finished when a call returns."""
    if torch.device(device).type == "cpu":
        return lambda: None
    return lambda: torch.accelerator.synchronize(device)


def warm_up(function: Function, synchronize: Function, time_cap_s: float) -> float:
    """Call ``function`` until it settles and return the seconds of a call.

    It has settled when the medians of two successive groups (of at least 10 ms) agree within 10 %, and gives up
    after ``time_cap_s`` or twenty groups. The first call is not counted: it may compile or allocate.
    """
    end = time.perf_counter() + time_cap_s
    function()
    synchronize()
    before = math.inf
    for _ in range(WARM_GROUPS):
        median = float(np.median(_timed(function, synchronize, WARM_GROUP_S, 1, WARM_GROUP_S)))
        if time.perf_counter() > end or abs(median - before) <= WARM_AGREE * before:
            break
        before = median
    return median


def run_block(function: Function, synchronize: Function, *, settle: bool = True) -> Samples:
    """Return the seconds of each timed call of one block; the garbage collector waits meanwhile.

    At least 25 ms and two calls pass untimed (one, when it is long), then at least 50 ms and five calls are timed
    (as many as begin within 0.2 s, when they are long).
    """
    if settle:
        _timed(function, synchronize, SETTLE_S, SETTLE_CALLS, LONGEST_SETTLE_S)
    with _collector_paused():
        return _timed(function, synchronize, BLOCK_S, BLOCK_CALLS, LONGEST_BLOCK_S)


def latency_of(blocks: list[Samples], batch: int) -> Latency:
    """Return the latency over the calls of all ``blocks`` (seconds), of ``batch`` samples each."""
    calls = np.concatenate(blocks)
    p05, p50, p95 = np.quantile(calls, (0.05, 0.5, 0.95))
    return Latency(
        p50_ms=float(p50) * 1e3,
        p95_ms=float(p95) * 1e3,
        calls=len(calls),
        blocks=len(blocks),
        throughput_per_s=batch / float(p50),
        p05_ms=float(p05) * 1e3,
        block_ms=float(np.quantile([np.median(block) for block in blocks], 1 - TRIM)) * 1e3,
        quantiles_ms=tuple(float(f"{value * 1e3:.4g}") for value in np.quantile(calls, QUANTILES)),
    )


def _timed(function: Function, synchronize: Function, least_s: float, least_calls: int, most_s: float) -> Samples:
    """Time call after call until ``least_s`` and ``least_calls`` have passed, or ``most_s``."""
    clock = time.perf_counter
    seconds: list[float] = []
    synchronize()
    begin = now = clock()
    while (passed := now - begin) < least_s or (len(seconds) < least_calls and passed < most_s):
        start = clock()
        function()
        synchronize()
        now = clock()
        seconds.append(now - start)
    return np.array(seconds)


@contextmanager
def _collector_paused() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
