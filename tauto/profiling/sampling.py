"""Which steps of a cell are traced: the first ones, then ever more rarely, as long as that stays cheap."""

from __future__ import annotations

import math
import time
from typing import Protocol

from tauto.profiling.tracer import Tracer

__all__ = ["SAMPLES", "Sampled", "Sampling"]

SAMPLES = 5
"""Root calls traced of each model at once, after a first one that warms up."""

_TRACED_ROOTS = 4
_FIRST_NS = 150_000_000
"""No further one of the first calls is traced once the traced ones of all models, their very first apart, took so
long."""
_SHARE = 0.015
"""Of the time of the cell that tracing later steps may cost."""
_GROWTH = 1.6
"""Each later traced step has so many times the number of the one before."""
_CALLS = 32
"""Root calls in one window at most."""
_EVENTS = 100_000
"""In all windows, before later ones are given up; some 1 kB each."""
_WINDOW_EVENTS = 20_000
"""In one window, as estimated from one that was cut."""
_IMPATIENCE_NS = 300_000_000
_PATIENCE_NS = 60_000_000_000


class Sampled(Protocol):
    """What is asked of a root model's record."""

    index: int
    calls: int
    traced_calls: int
    whole_calls: int
    total_ns: int
    traced_ns: int
    first_ns: int


class Sampling:
    """Opens and closes the tracer's windows at the beginnings of root calls.

    A step ends with an optimizer's step, or in a cell without one where a root model is called again. Windows open
    and close at the first root call of a step, so that a window holds a step from there to where the next begins.
    """

    def __init__(self, tracer: Tracer) -> None:
        self.patience_ns = _IMPATIENCE_NS
        """How long a step may take until its window is closed in the middle."""
        self._tracer = tracer
        self._began = time.perf_counter_ns()
        self._next: dict[int | None, int] = {}
        """Number of the step from which on one is traced again; None stands for optimizer steps, else by root."""
        self._opener: tuple[int | None, int] = (None, 0)
        self._calls = 0
        self._wait_until = 0
        """When a later step may be traced at the earliest, as long as nothing more was traced."""
        self._roots: dict[int, Sampled] = {}

    def begins(self, root: Sampled, steps_done: int) -> bool:
        """Open or close a window for a root call that begins; return whether the call is traced.

        Parameters
        ----------
        root : Sampled
            The record of its model.
        steps_done : int
            Optimizer steps that have ended.
        """
        step = (None, steps_done + 1) if steps_done else (root.index, root.calls + 1)
        if root.calls > SAMPLES and not self._tracer.running and step[1] < self._next.get(step[0], 2):
            return False  # nearly all calls of a long cell
        if root.index < _TRACED_ROOTS:
            self._roots[root.index] = root
        if self._is_first(root):
            self._start(step)
        elif self._is_later(root, step) and (self._is_needed(step) or self._affordable()):
            self._later(step)
        elif not self._belongs(step):
            self._tracer.stop()
        self._calls += self._tracer.running
        return self._tracer.running

    def was_cut(self) -> None:
        """Be more patient with the next window, if the one just closed in the middle of a step held few events."""
        window = self._tracer.windows[-1] if self._tracer.windows else None
        if window is not None and window.cut:
            rate = window.count / max(window.ended_ns - window.began_ns, 1)
            self.patience_ns = max(self.patience_ns, min(_PATIENCE_NS, int(_WINDOW_EVENTS / max(rate, 1e-9))))

    def _is_first(self, root: Sampled) -> bool:
        if root.index >= _TRACED_ROOTS or root.calls > SAMPLES:
            return False
        taken = sum(known.traced_ns - known.first_ns for known in self._roots.values())
        return not root.whole_calls or taken <= _FIRST_NS

    def _is_later(self, root: Sampled, step: tuple[int | None, int]) -> bool:
        unit, number = step
        return (unit is None or root.index < _TRACED_ROOTS) and number >= self._next.get(unit, 2)

    def _is_needed(self, step: tuple[int | None, int]) -> bool:
        """Whether no optimizer step after the first was traced yet: the first calls were all part of it."""
        return step[0] is None and None not in self._next

    def _later(self, step: tuple[int | None, int]) -> None:
        unit, number = step
        if self._tracer.running and self._opener[0] in (None, unit) and self._opener != step:
            self._tracer.stop()
        if self._tracer.running:  # opened by another model: this call is part of its step
            self._next[unit] = math.ceil(number * _GROWTH)
        else:
            self._start(step)

    def _start(self, step: tuple[int | None, int]) -> None:
        unit, number = step
        self._next[unit] = max(number + 1, math.ceil(number * _GROWTH))
        if not self._tracer.running:
            self._calls = 0
        self._tracer.start()
        self._opener = step

    def _belongs(self, step: tuple[int | None, int]) -> bool:
        if self._calls >= _CALLS:
            return False
        opened = self._opener[0]
        return step == self._opener if step[0] == opened else opened is not None and step[0] is not None

    def _affordable(self) -> bool:
        tracer, now = self._tracer, time.perf_counter_ns()
        if now < self._wait_until:
            return False
        cost = tracer.cost_ns + 2 * sum(_excess(root) for root in self._roots.values())  # 2: the backward pass
        coming = tracer.last_cost_ns // max(self._calls, 1)
        self._wait_until = self._began + int((cost + coming) / _SHARE)
        return now >= self._wait_until and tracer.count < _EVENTS


def _excess(root: Sampled) -> int:
    """Return what the traced calls took longer than the others, on the whole."""
    others = root.calls - root.traced_calls
    if not others:
        return 0
    usual = (root.total_ns - root.traced_ns) / others
    return max(int(root.traced_ns - root.traced_calls * usual), 0)
