"""Windows of torch.profiler over the sampled steps, on the thread of the session."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import torch
from torch.autograd.profiler import profile

from tauto.interrupts import held_interrupts
from tauto.profiling.phases import PhaseClock
from tauto.profiling.quiet import quiet_stderr

__all__ = ["Tracer", "Window", "WindowListener"]

_OTHER = "Another torch.profiler was at work in this cell; torch has room for one"
_ALLOCATOR_BLOCKS = 2000
"""torch warns at every thousandth block that was allocated before profiling and freed under it. As many again, since a
block does not count where the one before it at its address was allocated in an earlier window and freed after it."""
_AT_ONCE = 50
"""Such blocks freed between two looks at whether torch has warned."""


@dataclass(eq=False)
class Window:
    """A stretch of the cell that torch.profiler recorded, operator by operator."""

    result: Any
    """torch._C._autograd._ProfilerResult: ``events()``, and ``experimental_event_tree()`` with addresses."""
    began_ns: int
    """As :func:`time.perf_counter_ns`."""
    ended_ns: int = 0
    offset_ns: int = 0
    """Added to the times of events it gives those of :func:`time.perf_counter_ns`."""
    steps: list[int] = field(default_factory=list)
    """Numbers of the steps that begin in it, the first of the cell is 1; see :class:`tauto.reports.profile.Steps`."""
    cut: bool = False
    """Whether it was closed in the middle of a step, because that took too long."""

    @cached_property
    def count(self) -> int:
        """Events in it; asked for the first time it takes some 2 µs an event."""
        return len(self.result.events())

    def events(self) -> list[Any]:
        """Return kineto's events, those of Python functions apart: their names need not be valid text."""
        return [event for event in self.result.events() if not event.is_python_function()]


class WindowListener(Protocol):
    """Told when a window opens and closes, on the thread of the session, outside the time of the cell."""

    def window_opens(self) -> None:
        """The window is about to open."""

    def window_closed(self, window: Window) -> None:
        """It has closed; ``window.result`` is whole."""


class Tracer:
    """Starts and stops torch.profiler, and keeps what it recorded in each window.

    The profiler records the thread that started it and the backward passes run from there; it must be stopped on
    that thread. What it costs to start and stop is summed in :attr:`cost_ns`.

    Parameters
    ----------
    clock : PhaseClock, optional
        Told to count starting and stopping as the profile's own.
    stacks : bool
        Whether the Python stack of each operator is recorded too (costs some 1.3 times the step).
    listener : WindowListener, optional
        Told of each window.
    """

    def __init__(
        self, clock: PhaseClock | None = None, *, stacks: bool = False, listener: WindowListener | None = None
    ) -> None:
        self.clock = clock or PhaseClock()
        self.windows: list[Window] = []
        self.refused = ""
        """Why operators could not be traced, such as another profiler at work; empty when they could."""
        self.cost_ns = 0
        self.last_cost_ns = 0
        """Of the last window."""
        self.open_since = 0
        """When the open window opened, 0 when none is open."""
        self._stacks = stacks
        self._listener = listener
        self._thread = threading.get_ident()
        self._profile: profile | None = None
        self._window: Window | None = None
        self._busy = False
        self._blocks: list[torch.UntypedStorage] = []

    @property
    def running(self) -> bool:
        """Whether a window is open."""
        return self._window is not None

    @property
    def count(self) -> int:
        """Events in all windows that have closed; counting those of new ones is the profile's own work."""
        depth = self.clock.enter("own", counted=False)
        try:
            return sum(window.count for window in self.windows)
        finally:
            self.clock.leave(depth)

    def start(self) -> None:
        """Open a window, unless one is open, another profiler is at work or one was refused before."""
        if self.running or self.refused or self._busy:
            return
        began = time.perf_counter_ns()
        if torch.autograd.profiler._is_profiler_enabled:
            self.refused = _OTHER
            return
        with held_interrupts():
            self._busy = True
            depth = self.clock.enter("own", counted=False)
            try:
                self._open(began)
            finally:
                self.clock.leave(depth)
                self._busy = False
                self.last_cost_ns = time.perf_counter_ns() - began
                self.cost_ns += self.last_cost_ns

    def _open(self, began: int) -> None:
        if self._listener is not None:
            self._listener.window_opens()
        while len(self._blocks) < _ALLOCATOR_BLOCKS:  # those not freed in the window before serve again
            self._blocks.append(torch.UntypedStorage(4, device="cpu"))  # type: ignore[no-untyped-call]
        with quiet_stderr() as held:
            window = _profile(self._stacks)
            window.__enter__()  # type: ignore[no-untyped-call]
            if held is not None:
                _settle_allocator(self._blocks, held)
        offset = time.perf_counter_ns() - time.time_ns()
        self._profile, self._window = window, Window(None, began, offset_ns=offset)
        self.open_since = time.perf_counter_ns()

    def give_way(self) -> None:
        """Stop for good, as another profiler is about to start, unless it is this tracer's own."""
        if not self._busy:
            self.stop()
            self.refused = _OTHER

    def stop(self, *, cut: bool = False) -> None:
        """Close the window, if one is open, and keep its events."""
        window, profiler = self._window, self._profile
        if window is None or profiler is None or self._busy or threading.get_ident() != self._thread:
            return
        began = time.perf_counter_ns()
        with held_interrupts():
            self._busy = True
            depth = self.clock.enter("own", counted=False)
            try:
                self._close(window, profiler, cut)
            finally:
                self.clock.leave(depth)
                self._busy = False
                cost = time.perf_counter_ns() - began
                self.last_cost_ns += cost
                self.cost_ns += cost

    def _close(self, window: Window, profiler: profile, cut: bool) -> None:
        self._window = self._profile = None
        self.open_since, window.ended_ns, window.cut = 0, time.perf_counter_ns(), cut
        with quiet_stderr(), _no_arrows():
            profiler.__exit__(None, None, None)  # type: ignore[no-untyped-call]
        if profiler.kineto_results is not None:
            window.result = profiler.kineto_results
            self.windows.append(window)
            if self._listener is not None:
                self._listener.window_closed(window)


def _profile(stacks: bool) -> profile:
    # Not torch.profiler.profile around it: that imports torch's compiler on its first start, which takes 1.5 seconds.
    return profile(
        use_kineto=True,
        use_device="cuda" if torch.cuda.is_initialized() else None,  # type: ignore[no-untyped-call]
        record_shapes=True,
        profile_memory=True,
        with_stack=stacks,
    )


@contextmanager
def _no_arrows() -> Iterator[None]:
    """Have torch not look for its own trace file's arrows from forward to backward: a fifth of what stopping costs.

    Nodes carry the number of the operator that recorded them all the same.
    """
    torch._C._profiler._set_fwd_bwd_enabled_val(False)
    try:
        yield
    finally:
        torch._C._profiler._set_fwd_bwd_enabled_val(True)


def _settle_allocator(blocks: list[torch.UntypedStorage], descriptor: int) -> None:
    """Bring torch's warning up while stderr is held, so that the next is a thousand blocks away.

    Otherwise it would come up in the middle of the user's code, where stderr is theirs. ``blocks`` are older than the
    window, so that freeing one counts, and leaves no event.
    """
    before = os.fstat(descriptor).st_size
    while blocks and os.fstat(descriptor).st_size == before:
        del blocks[-_AT_ONCE:]
