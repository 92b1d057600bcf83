"""Windows of torch.profiler over the sampled calls, on the thread of the session."""

from __future__ import annotations

import os
import time
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from tauto.profiling.quiet import quiet_stderr

__all__ = ["Tracer"]

_OTHER = "Another torch.profiler was at work in this cell; torch has room for one"
_ALLOCATOR_PERIOD = 1000
"""torch warns at every thousandth block that was allocated before profiling and freed under it."""


class Tracer:
    """Starts and stops torch.profiler, and keeps the raw events of each window.

    The profiler records the thread that started it and the backward passes run from there; it must be stopped on
    that thread. What it costs to start and stop is summed in :attr:`cost_ns`.
    """

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.refused = ""
        """Why operators could not be traced, such as another profiler at work; empty when they could."""
        self.cost_ns = 0
        self._profile: profile | None = None
        self._starting = False
        self._blocks: list[torch.Tensor] = []

    @property
    def running(self) -> bool:
        """Whether a window is open."""
        return self._profile is not None

    def start(self) -> None:
        """Open a window, unless another profiler is at work or one was refused before."""
        if self.running or self.refused:
            return
        began = time.perf_counter_ns()
        if torch.autograd.profiler._is_profiler_enabled:
            self.refused = _OTHER
            return
        self._blocks = [torch.empty(1, device="cpu") for _ in range(_ALLOCATOR_PERIOD)]
        with quiet_stderr() as held:
            window = _window()
            self._starting = True
            try:
                window.start()
                self._profile = window
            finally:
                self._starting = False
            if held is not None:
                _settle_allocator(self._blocks, held.fileno())
        self.cost_ns += time.perf_counter_ns() - began

    def give_way(self) -> None:
        """Stop for good, as another profiler is about to start, unless it is this tracer's own."""
        if not self._starting:
            self.stop()
            self.refused = _OTHER

    def stop(self) -> None:
        """Close the window, if one is open, and keep its events."""
        window, self._profile = self._profile, None
        if window is None:
            return
        began = time.perf_counter_ns()
        with quiet_stderr():
            window.stop()
        self._blocks.clear()  # not earlier: each block that is freed under the profiler counts
        inner: Any = window.profiler
        if inner is not None and inner.kineto_results is not None:
            self.events.extend(inner.kineto_results.events())
        self.cost_ns += time.perf_counter_ns() - began


def _window() -> profile:
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        activities.append(ProfilerActivity.CUDA)
    return profile(activities=activities, record_shapes=True, profile_memory=True)


def _settle_allocator(blocks: list[torch.Tensor], descriptor: int) -> None:
    """Bring torch's warning up while stderr is held, so that the next is a thousand blocks away.

    Otherwise it would come up in the middle of the user's code, where stderr is theirs. ``blocks`` are older than the
    window, so that freeing one counts, and leaves no event.
    """
    before = os.fstat(descriptor).st_size
    while blocks and os.fstat(descriptor).st_size == before:
        blocks.pop()
