"""How busy the machine is along a cell: memory of the process, each usable core, the GPU."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import torch

from tauto.reports.profile import Usage

__all__ = ["UsageWatch"]

_MOMENTS = 200


@dataclass(frozen=True, slots=True)
class _Moment:
    time_ns: int
    process_bytes: int
    cores: tuple[tuple[float, float], ...]
    """Seconds busy and seconds in all of each usable core since it was switched on."""
    gpu: float | None


class UsageWatch:
    """Keeps at most 200 moments: when there are more, every second one goes, and looks become half as frequent.

    Parameters
    ----------
    process_bytes : callable
        Returns the private memory of the process.
    """

    def __init__(self, process_bytes: Callable[[], int]) -> None:
        self._process_bytes = process_bytes
        self._cores = _usable_cores()
        self._moments: list[_Moment] = []
        self._every = 1
        self._looks = 0
        self._has_gpu_library = importlib.util.find_spec("pynvml") is not None

    def look(self) -> None:
        """Look once, or not when enough was seen lately."""
        self._looks += 1
        if (self._looks - 1) % self._every == 0:
            self.note()

    def note(self) -> None:
        """Keep this moment."""
        cores = _busy_seconds(self._cores)
        self._moments.append(_Moment(time.perf_counter_ns(), self._process_bytes(), cores, self._gpu()))
        if len(self._moments) > _MOMENTS:
            del self._moments[1:-1:2]
            self._every *= 2

    def usage(self, began_ns: int) -> Usage:
        """Return what was seen; times are from ``began_ns`` on, shares are of the time since the moment before."""
        moments = self._moments
        if len(moments) < 2:
            return Usage()
        gpu = [moment.gpu for moment in moments[1:]]
        return Usage(
            times_ms=tuple((moment.time_ns - began_ns) / 1e6 for moment in moments[1:]),
            process_bytes=tuple(moment.process_bytes for moment in moments[1:]),
            core_shares=tuple(zip(*map(_shares, moments, moments[1:]), strict=True)),
            gpu_shares=tuple(share for share in gpu if share is not None) if None not in gpu else (),
        )

    def _gpu(self) -> float | None:
        if not self._has_gpu_library or not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            return None
        return torch.cuda.utilization() / 100


def _shares(before: _Moment, after: _Moment) -> tuple[float, ...]:
    """Return how busy each core was between two moments; the same counts twice make it as busy as unknown: 0."""
    pairs = zip(before.cores, after.cores, strict=True)
    return tuple(
        min(max((busy - busy_before) / (whole - whole_before), 0.0), 1.0) if whole > whole_before else 0.0
        for (busy_before, whole_before), (busy, whole) in pairs
    )


def _usable_cores() -> tuple[int, ...]:
    total = psutil.cpu_count() or 1
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(total)
    return tuple(sorted(core for core in usable if core < len(psutil.cpu_times(percpu=True))))


def _busy_seconds(cores: tuple[int, ...]) -> tuple[tuple[float, float], ...]:
    times = psutil.cpu_times(percpu=True)
    found = []
    for core in cores:
        one = times[core]
        whole = sum(one) - getattr(one, "guest", 0.0) - getattr(one, "guest_nice", 0.0)  # Linux counts these twice
        found.append((whole - one.idle - getattr(one, "iowait", 0.0), whole))
    return tuple(found)
