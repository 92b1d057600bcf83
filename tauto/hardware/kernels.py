"""The matrix products and copies whose best speed is a machine's ceiling."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import torch

from tauto.events import Progress, emit
from tauto.hardware.ceilings import Ceilings

__all__ = ["fastest_product_gflops", "measure_ceilings"]

Run = Callable[[], object]
Clock = Callable[[Run], float]
"""Runs something once and returns its seconds."""

_LONG_ENOUGH_S, _TOO_LONG_S = 0.01, 0.1
_SMALLEST, _LARGEST = 256, 8192
_MIN_ROUNDS = 5
_MEMORY_COPY_BYTES = 256 * 10**6
_CACHE_COPY_BYTES = (128_000, 256_000, 512_000)
"""Of the source, a thread; the target takes as much again."""


def measure_ceilings(device: str, threads: int, memory_bytes: int, fingerprint: str) -> Ceilings:
    """Measure the ceilings of ``device``, in a few seconds (longer when busy), leaving the user's torch as it was.

    CUDA is timed by CUDA events and MPS by wall clock and synchronising; both paths are unmeasured so far.

    Parameters
    ----------
    device : str
        ``"cpu"``, ``"cuda"`` or ``"mps"``.
    threads : int
        Threads to use on the CPU while measuring; the user's number is put back afterwards.
    memory_bytes : int
        Memory that may be used; a tenth of it is never passed.
    fingerprint : str
        The machine's, to go with the figures.
    """
    makers = _CPU_PRODUCTS if device == "cpu" else _ACCELERATOR_PRODUCTS
    tenth = _usable_bytes(device, memory_bytes) // 10
    clock = _clock(device)
    steps = len(makers) + 2
    gflops: dict[str, float] = {}
    with _undisturbed(device, threads):
        for step, (precision, candidates) in enumerate(makers.items()):
            _tell(f"matrix product in {precision}", step / steps)
            if rate := fastest_product_gflops(candidates, device, clock, tenth):
                gflops[precision] = rate
        _tell("copy at cache size", (steps - 2) / steps)
        sizes = _cache_copy_sizes(device, threads)
        cached = max(_copy_gbps(size, device, clock, limit_s=0.15) for size in sizes)
        _tell("copy at memory size", (steps - 1) / steps)
        far = _copy_gbps(min(_MEMORY_COPY_BYTES, tenth // 2), device, clock, limit_s=0.4)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Ceilings(gflops, cached, far, now, fingerprint)


def _tell(what: str, done: float) -> None:
    emit(Progress("hardware", f"measuring what this machine can reach: {what}", done))


@contextmanager
def _undisturbed(device: str, threads: int) -> Iterator[None]:
    """Fix what would falsify a ceiling (gradients, autocast, threads, reduced float32), and put it back."""
    before = torch.get_num_threads()
    with torch.inference_mode(), torch.autocast(device, enabled=False), _full_float32(device):
        try:
            if device == "cpu" and threads != before:
                torch.set_num_threads(threads)
            yield
        finally:
            if torch.get_num_threads() != before:
                torch.set_num_threads(before)


@contextmanager
def _full_float32(device: str) -> Iterator[None]:
    backend: Any = torch.backends.cuda if device == "cuda" else torch.backends.mkldnn
    precision = getattr(backend.matmul, "fp32_precision", "none")
    if precision in ("none", "ieee"):
        yield
        return
    backend.matmul.fp32_precision = "ieee"
    try:
        yield
    finally:
        backend.matmul.fp32_precision = precision


def _clock(device: str) -> Clock:
    return {"cuda": _cuda_seconds, "mps": _mps_seconds}.get(device, _cpu_seconds)


def _cpu_seconds(run: Run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _cuda_seconds(run: Run) -> float:
    event: Any = torch.cuda.Event  # torch leaves its constructor unannotated
    start, end = event(enable_timing=True), event(enable_timing=True)
    start.record()
    run()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1000


def _mps_seconds(run: Run) -> float:
    torch.mps.synchronize()
    start = time.perf_counter()
    run()
    torch.mps.synchronize()
    return time.perf_counter() - start


def _best_seconds(run: Run, clock: Clock, limit_s: float, rounds: int = _MIN_ROUNDS, patience: int = 2) -> float:
    """Return the shortest of at least ``rounds``: a ceiling is a maximum, and neighbours only ever slow us down.

    While the two shortest differ by more than 5 % the machine is busy: it goes on, ``patience`` times as long.
    """
    clock(run)
    best, second, done = math.inf, math.inf, 0
    start = time.perf_counter()
    while done < rounds or time.perf_counter() - start < (limit_s if second < 1.05 * best else patience * limit_s):
        best, second = sorted((best, second, clock(run)))[:2]
        done += 1
    return best


Maker = Callable[[int, str], Run]
"""Returns a product of two ``n × n`` matrices on a device, ready to run."""


def fastest_product_gflops(candidates: tuple[Maker, ...], device: str, clock: Clock, memory_bytes: int) -> float | None:
    """Return GFLOP/s of the fastest of ``candidates``, or None when none of them runs on ``device``.

    The matrices grow until a product takes 10 ms and the rate has levelled off, so that a kernel which torch only
    emulates is not waited for.
    """
    largest = min(_LARGEST, math.isqrt(memory_bytes // 16))  # three matrices and a scratch copy, 4 bytes each
    grown: list[tuple[float, int, Run]] = []
    for make in candidates:
        try:
            grown.append(_grow(make, device, clock, largest))
        except (RuntimeError, AttributeError):  # torch's way of saying that this build or CPU has no such kernel
            continue
    if not grown:
        return None
    rate, n, run = max(grown, key=lambda entry: entry[0])
    return max(rate, 2e-9 * n**3 / _best_seconds(run, clock, limit_s=0.4))


def _grow(make: Maker, device: str, clock: Clock, largest: int) -> tuple[float, int, Run]:
    """Return the best rate over the sizes tried, and the last size with its product.

    A small product that takes long may only have waited for a busy core, so that size goes on growing as long as
    the rate does.
    """
    n, rate = _SMALLEST, 0.0
    while True:
        run = make(n, device)
        seconds = _best_seconds(run, clock, limit_s=0.04, rounds=3, patience=1)
        before, rate = rate, max(rate, 2e-9 * n**3 / seconds)
        levelled = rate < 1.2 * before and seconds >= _LONG_ENOUGH_S
        if levelled or seconds >= _TOO_LONG_S or 2 * n > largest:
            return rate, n, run
        n *= 2


def _uniform(n: int, dtype: torch.dtype, device: str) -> torch.Tensor:
    own = torch.Generator("cpu").manual_seed(0)  # the user's random state stays as it is
    values = torch.rand((n, n), generator=own, dtype=torch.float32, device="cpu")
    if not dtype.is_floating_point:
        values = values * 127
    return values.to(device=device, dtype=dtype)


def _plain(dtype: torch.dtype) -> Maker:
    def make(n: int, device: str) -> Run:
        a, b = _uniform(n, dtype, device), _uniform(n, dtype, device)
        out = torch.empty_like(a)
        return lambda: torch.mm(a, b, out=out)

    return make


def _widened(n: int, device: str) -> Run:
    a, b = _uniform(n, torch.bfloat16, device), _uniform(n, torch.bfloat16, device)
    return lambda: torch.mm(a.float(), b.float()).bfloat16()


def _int_mm(n: int, device: str) -> Run:
    a, b = _uniform(n, torch.int8, device), _uniform(n, torch.int8, device).t()
    return lambda: torch._int_mm(a, b)


def _onednn_linear(n: int, device: str) -> Run:
    """Return the kernel that torchao's compiled int8 layers run on x86: unsigned inputs, signed packed weights."""
    x, weight = _uniform(n, torch.uint8, device), _uniform(n, torch.int8, device)
    packed = torch.ops.onednn.qlinear_prepack(weight, [n, n])
    scales = torch.full((n,), 0.01, dtype=torch.float32, device=device)
    zeros = torch.zeros(n, dtype=torch.int64, device=device)
    linear, out = torch.ops.onednn.qlinear_pointwise, torch.uint8
    return lambda: linear(x, 0.1, 0, packed, scales, zeros, None, 1.0, 0, out, "none", [], "")


_CPU_PRODUCTS: dict[str, tuple[Maker, ...]] = {
    "float32": (_plain(torch.float32),),
    "bfloat16": (_plain(torch.bfloat16), _widened),
    "int8": (_onednn_linear, _int_mm),
}
_ACCELERATOR_PRODUCTS: dict[str, tuple[Maker, ...]] = {
    "float32": (_plain(torch.float32),),
    "bfloat16": (_plain(torch.bfloat16),),
    "float16": (_plain(torch.float16),),
    "int8": (_int_mm,),
}


def _usable_bytes(device: str, memory_bytes: int) -> int:
    return int(torch.cuda.mem_get_info()[0]) if device == "cuda" else memory_bytes


def _cache_copy_sizes(device: str, threads: int) -> tuple[int, ...]:
    if device == "cuda":
        properties = torch.cuda.get_device_properties(torch.cuda.current_device())
        return (properties.L2_cache_size // 4,)
    return tuple(size * threads for size in _CACHE_COPY_BYTES)


def _copy_gbps(size_bytes: int, device: str, clock: Clock, limit_s: float) -> float:
    """Return GB/s, read and written, of copying ``size_bytes`` over and over between the same two places."""
    source = torch.ones(size_bytes // 4, dtype=torch.float32, device=device)
    target = torch.zeros_like(source)  # written once, so that no page is touched for the first time below
    repeats = max(1, _MEMORY_COPY_BYTES // 8 // size_bytes)

    def run() -> None:
        for _ in range(repeats):
            target.copy_(source)

    return 2e-9 * source.nbytes * repeats / _best_seconds(run, clock, limit_s)
