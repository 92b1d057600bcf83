"""What is written down while the cell runs: cheap for every call, in full for the sampled ones."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.loss import _Loss
from torch.optim import Optimizer

from tauto.profiling.anatomy import Anatomy, ModuleKey, anatomy_of, is_compiled
from tauto.profiling.durations import Durations
from tauto.profiling.holders import Holders
from tauto.profiling.interrupts import run_on_main_thread
from tauto.profiling.patches import Original, Pause
from tauto.profiling.phases import PhaseClock
from tauto.profiling.ranges import OWN, RANGE, TracedCall
from tauto.profiling.sampling import SAMPLES, Sampling
from tauto.profiling.tracer import Tracer
from tauto.reports.profile import PhaseName
from tauto.workload import seen
from tauto.workload.structure import describe
from tauto.workload.user_lines import is_users

__all__ = ["RANGE", "SAMPLES", "Mark", "Recorder", "RootRecord"]

_SHAPES = 4
_ROOTS = 256
"""Records of models; after so many, models of the same class share one (a cell may make models without end)."""
_IDLE_NS = 150_000_000
"""A window closes when nothing of torch's that we watch has begun or ended for so long."""
_SPARSE = 2000
"""Module calls and nodes of the graph, between two looks at a window that is open for long, that are not many."""
_REMEMBERED = 8
"""Calls of a root whose inputs are looked at whatever it costs."""
_REMEMBER_NS = 4_000_000
_REMEMBER_SHARE = 0.002
"""Of the time of the cell; so much on top may go into looking at inputs after those."""
_OTHERS_STEPS = 10
"""Steps of other optimizers after which the one that counted steps is taken to have retired."""
_now = time.perf_counter_ns


@dataclass(slots=True)
class RootRecord:
    """One model that the cell called itself, as it is written down."""

    index: int
    model: weakref.ref[nn.Module]
    kind: str
    phase: PhaseName = "forward"
    """``loss`` for a loss of :mod:`torch.nn`."""
    calls: int = 0
    total_ns: int = 0
    training_calls: int = 0
    grad_calls: int = 0
    """Calls that recorded gradients for parameters."""
    eval_grad_calls: int = 0
    """Of these, in eval mode."""
    traced_calls: int = 0
    traced_ns: int = 0
    first_ns: int = 0
    """Of the first of these: it warms up."""
    whole_calls: int = 0
    """Traced calls that were not cut."""
    last_ns: int = 0
    began_ns: int = 0
    """When the last call began, by :meth:`tauto.profiling.phases.PhaseClock.cell_ns`."""
    intervals: Durations = field(default_factory=Durations)
    """From where a call began to where the next did."""
    shapes: list[str] = field(default_factory=list)
    wants_inputs: bool = True
    remember_ns: int = 0
    """Spent on looking at inputs."""
    remembered_samples: int = 0
    not_remembered: str = ""
    anatomy: Anatomy | None = None
    keys: dict[tuple[int, str], Any] = field(default_factory=dict)
    """Of modules that were traced, see :meth:`tauto.profiling.ranges.TracedCall.keys`."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A traced root call."""

    number: int
    """Of its range."""
    root: int
    call: int
    """Number among the calls of its root, the first is 1."""
    step: int
    """Number of the optimizer step it belongs to, the first is 1."""
    window: int
    """Index of its window."""
    cut: bool


class _Here(threading.local):
    """State of one thread."""

    inside = False
    traced: TracedCall | None = None
    backward_depth = 0
    stepping: tuple[int, FrameType] | None = None
    """Depth of the clock and torch's frame while an optimizer steps."""


class Recorder:
    """The observer of one session. Times are nanoseconds of :func:`time.perf_counter_ns`."""

    def __init__(self, tracer: Tracer, holders: Holders | None = None) -> None:
        self.tracer = tracer
        self.holders = holders
        """Takes down what memory is for, while a window is open; None when nobody asks."""
        self.clock: PhaseClock = tracer.clock
        self.roots: list[RootRecord] = []
        self.keys: list[ModuleKey] = []
        """Of every range number in the trace."""
        self.marks: list[Mark] = []
        self.steps_done = 0
        """Steps of the optimizer that counts, the first one seen."""
        self.steps = Durations()
        self.recomputed_calls = 0
        """Module calls out of the backward pass (checkpointing)."""
        self.pause: Pause = nullcontext
        """Opens a block in which module calls need not come here."""
        self._here = _Here()
        self._sampling = Sampling(tracer)
        self._by_id: dict[int, RootRecord] = {}
        self._by_kind: dict[str, RootRecord] = {}
        self._lock = threading.RLock()
        self._lead: weakref.ref[Optimizer] | None = None
        self._others_steps = 0
        self._step_began = 0
        self._pid = os.getpid()
        self._thread = threading.get_ident()
        self._on_main = threading.current_thread() is threading.main_thread()
        self._parallel = False
        self._overdue = False
        self._impatient = False
        self._progress = 0
        self._closed = False
        self._last_root_ns = 0

    @property
    def root_ranges(self) -> dict[int, int]:
        """Range number of each traced root call, to the index of its root."""
        return {mark.number: mark.root for mark in self.marks}

    def open(self) -> None:
        """Begin; the phases are of the time from here to :meth:`close`."""
        self.clock.start()

    def close(self) -> None:
        """Write nothing down from here on, also for calls that are still under way."""
        self._closed = True
        self._here.stepping = None
        self.clock.stop()

    def phase(self) -> PhaseName | None:
        """Return the phase the cell is in; None while the profile itself is at work."""
        now = self.clock.now
        return None if now == "own" else now

    def look(self) -> None:
        """Have a window closed that is open for too long; called from a thread that watches."""
        opened = self.tracer.open_since
        if not opened or self._closed or self._overdue:
            return
        now, clock = _now(), self.clock
        idle = clock.now == "other" and now - max(clock.seen_ns, opened) > _IDLE_NS
        self._impatient = not idle and now - max(self._last_root_ns, opened) > self._sampling.patience_ns
        if idle or self._impatient:
            self._overdue = True
            if self._on_main:
                run_on_main_thread(self._close_window)

    def module_call(self, original: Original, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Call ``module``; see :class:`tauto.profiling.patches.Observer`."""
        here = self._here
        if here.inside:
            if here.traced is None:
                return original(module, *args, **kwargs)
            return self._inner_call(here.traced, original, module, args, kwargs)
        if self._elsewhere():
            return original(module, *args, **kwargs)
        if torch._C._current_graph_task_id() != -1:
            return self._recomputed(original, module, args, kwargs)
        return self._root_call(original, module, args, kwargs)

    def backward(self, original: Original, args: Any, kwargs: Any) -> Any:
        """Run a backward pass; see :class:`tauto.profiling.patches.Observer`."""
        here = self._here
        if here.backward_depth or self._elsewhere():
            return original(*args, **kwargs)
        depth = self._enter("backward")
        try:
            here.backward_depth = 1
            self.clock.backward_begins()
            return original(*args, **kwargs)
        finally:
            here.backward_depth = 0
            self._note(lambda holders: holders.note_gradients())
            self.clock.leave(depth)

    def waits(self, original: Original, args: Any, kwargs: Any, *, batch: bool) -> Any:
        """Take a batch from a DataLoader, or begin to; see :class:`tauto.profiling.patches.Observer`."""
        return self._in_phase("data", batch, original, args, kwargs)

    def zero_grad(self, original: Original, args: Any, kwargs: Any) -> Any:
        """Clear gradients; see :class:`tauto.profiling.patches.Observer`."""
        return self._in_phase("optimizer", False, original, args, kwargs)

    def profiler_begins(self) -> None:
        """Give way to a profiler of the user's: torch has room for one."""
        if not self._closed and threading.get_ident() == self._thread:
            self.tracer.give_way()

    def step_begins(self, optimizer: Optimizer) -> None:
        """Enter the optimizer's phase. Called from a hook that torch's own frame calls."""
        if self._elsewhere():
            return
        depth = self._enter("optimizer")
        self._here.stepping = depth, sys._getframe(2)

    def step_ends(self, optimizer: Optimizer) -> None:
        """Leave the optimizer's phase, and count the step."""
        stepping, self._here.stepping = self._here.stepping, None
        if stepping is None or self._closed:
            return
        self._note(lambda holders: holders.note_update(optimizer))
        self.clock.leave(stepping[0])
        with self._lock:
            lead = self._lead() if self._lead is not None else None
            if lead is None or self._others_steps >= _OTHERS_STEPS:
                self._lead, lead = weakref.ref(optimizer), optimizer
            if lead is not optimizer:
                self._others_steps += 1
                return
            now, self._others_steps = self.clock.cell_ns(), 0
            self.steps_done += 1
            self.steps.add(now - (self._step_began or now))
            self._step_began = now

    def _elsewhere(self) -> bool:
        """Whether this call is none of the session's: after its end, in a forked process, in a replica's thread."""
        if self._closed or os.getpid() != self._pid:
            return True
        return self._parallel and threading.get_ident() != self._thread

    def _enter(self, phase: PhaseName, *, counted: bool = True) -> int:
        here = self._here
        if here.stepping is not None and not _is_running(here.stepping[1]):  # the step failed, and torch tells nobody
            depth, _ = here.stepping
            here.stepping = None
            self.clock.leave(depth)
        if self._overdue and threading.get_ident() == self._thread:
            self._close_window()
        return self.clock.enter(phase, counted=counted)

    def _in_phase(self, phase: PhaseName, counted: bool, original: Original, args: Any, kwargs: Any) -> Any:
        if self._elsewhere():
            return original(*args, **kwargs)
        depth = self._enter(phase, counted=counted)
        try:
            return original(*args, **kwargs)
        finally:
            self.clock.leave(depth)

    def _note(self, take: Callable[[Holders], None]) -> None:
        if self.holders is None or not self.tracer.running or threading.get_ident() != self._thread or self._closed:
            return
        depth = self.clock.enter("own", counted=False)
        try:
            take(self.holders)
        finally:
            self.clock.leave(depth)

    def _close_window(self) -> None:
        """Close the window where the cell just is, be it inside a model."""
        if self.clock.switching:  # come between two lines of ours: at the next look, then
            self._overdue = False
            return
        here = self._here
        if self._impatient and self._is_sparse(here.traced):
            self._sampling.patience_ns *= 2
            self._overdue = False
            return
        if here.traced is not None:
            here.traced.cut, here.traced = True, None
        self.tracer.stop(cut=self._impatient)
        self._sampling.was_cut()
        self._overdue = False

    def _is_sparse(self, traced: TracedCall | None) -> bool:
        """Whether few events were recorded since the last look, for all one can tell: large operators, not many.

        torch does not say how many events a window holds. A module call or a node for the backward pass comes with
        some ten of them; where there were none, the thread was in one operator, or in a loop of the user's own code.
        """
        progress = (traced.calls if traced is not None else 0) + torch._C._autograd._get_sequence_nr()
        done, self._progress = progress - self._progress, progress
        if done <= 0:
            above: FrameType | None = sys._getframe(1)
            while above is not None and above.f_globals.get("__name__", "").startswith("tauto."):
                above = above.f_back
            return above is None or not is_users(above.f_code.co_filename)
        return done < _SPARSE

    def _recomputed(self, original: Original, module: nn.Module, args: Any, kwargs: Any) -> Any:
        here = self._here
        try:
            here.inside = True
            return original(module, *args, **kwargs)
        finally:
            here.inside = False
            self.recomputed_calls += 1

    def _inner_call(self, traced: TracedCall, original: Original, module: nn.Module, args: Any, kwargs: Any) -> Any:
        with traced.range_of(module):
            try:
                return self._call(original, module, args, kwargs)
            finally:
                if traced.synchronize:
                    torch.cuda.synchronize()

    def _call(self, original: Original, module: nn.Module, args: Any, kwargs: Any) -> Any:
        if not is_compiled(module):
            return original(module, *args, **kwargs)
        with self.pause():
            return original(module, *args, **kwargs)

    def _root_call(self, original: Original, module: nn.Module, args: Any, kwargs: Any) -> Any:
        here = self._here
        root, traced = self._prepare(module, args, kwargs)
        began, depth = self.clock.cell_ns(), self._enter(root.phase, counted=root.phase == "forward")
        try:
            here.inside, here.traced = True, traced
            if traced is None:
                return self._call(original, module, args, kwargs)
            return self._inner_call(traced, original, module, args, kwargs)
        except Exception:
            if root.shapes and not self._closed:  # inputs that the model refuses are no example for the next verb
                seen.forget(module)
                root.wants_inputs = True
            raise
        finally:
            here.inside, here.traced = False, None
            self.clock.leave(depth)
            self._add(root, module, traced, began)

    def _prepare(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[RootRecord, TracedCall | None]:
        """Write down what is asked before the call, and decide whether it is traced."""
        with self._lock:
            root = self._record(module)
        if root.wants_inputs and self._may_remember(root):
            depth, began = self.clock.enter("own", counted=False), _now()
            try:
                self._remember(root, module, args, kwargs)
            finally:
                self.clock.leave(depth)
                root.remember_ns += _now() - began
        if threading.get_ident() != self._thread:
            return root, None
        self._parallel = isinstance(module, nn.DataParallel)
        self._last_root_ns = _now()
        self._progress = torch._C._autograd._get_sequence_nr() + 1  # the call itself
        is_loss = root.phase == "loss"
        if not (self.tracer.running if is_loss else self._sampling.begins(root, self.steps_done)):
            return root, None
        self._note(lambda holders: holders.note_call(module, args, kwargs))
        return root, TracedCall(len(self.keys), any(parameter.is_cuda for parameter in module.parameters()))

    def _record(self, module: nn.Module) -> RootRecord:
        root = self._by_id.get(id(module))
        if root is not None and root.model() is module:  # else an identity taken over from a model that died
            return root
        kind = type(getattr(module, "_orig_mod", module)).__name__
        if len(self.roots) >= _ROOTS and kind in self._by_kind:
            return self._by_kind[kind]
        phase: PhaseName = "loss" if isinstance(module, _Loss) else "forward"
        root = RootRecord(len(self.roots), weakref.ref(module), kind, phase)
        self.roots.append(root)
        self._by_id[id(module)] = self._by_kind[kind] = root
        return root

    def _may_remember(self, root: RootRecord) -> bool:
        """Whether to look at the inputs of this call: of the first ones, then ever more rarely while that is cheap."""
        calls = root.calls
        if calls < _REMEMBERED:
            return True
        cheap = root.remember_ns < _REMEMBER_NS + _REMEMBER_SHARE * (_now() - self.clock.began_ns)
        return cheap and (calls < 16 * _REMEMBERED or calls & (calls - 1) == 0)

    def _remember(self, root: RootRecord, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if root.calls == 0:
            seen.forget(module)
        try:
            with torch._C._profiler._RecordFunctionFast(OWN):
                root.wants_inputs = seen.remember(module, args, kwargs)
            if len(root.shapes) < _SHAPES:
                shapes = ", ".join(describe((args, dict(kwargs))))
                root.shapes.extend([shapes] if shapes not in root.shapes else [])
        except Exception as error:  # the user's own containers may refuse to be copied: their call must go on
            root.wants_inputs, root.not_remembered = False, f"{type(error).__name__}: {error}"

    def _add(self, root: RootRecord, module: nn.Module, traced: TracedCall | None, began: int) -> None:
        if self._closed:
            return
        ended, gradients = self.clock.cell_ns(), torch.is_grad_enabled()
        with self._lock:
            root.calls += 1
            root.last_ns = ended - began
            root.total_ns += ended - began
            root.training_calls += module.training
            root.grad_calls += gradients
            root.eval_grad_calls += gradients and not module.training
            if root.calls > 1:
                root.intervals.add(began - root.began_ns)
            root.began_ns = began
            self._step_began = self._step_began or began
        if root.phase == "forward":
            self.clock.forward_ended(with_gradients=gradients)
        if traced is not None or root.anatomy is None:
            depth = self.clock.enter("own", counted=False)
            self._add_traced(root, module, traced, ended - began)
            self.clock.leave(depth)

    def _add_traced(self, root: RootRecord, module: nn.Module, traced: TracedCall | None, duration: int) -> None:
        if root.anatomy is None:
            root.anatomy = anatomy_of(module)
        if traced is None or not traced.modules:
            return
        root.traced_ns += duration
        root.first_ns = root.first_ns or duration
        root.traced_calls += 1
        root.whole_calls += not traced.cut
        window = len(self.tracer.windows) - traced.cut  # of the open window, or of the one that was cut
        self.marks.append(Mark(traced.base, root.index, root.calls, self.steps_done + 1, window, traced.cut))
        self.keys.extend(traced.keys(root.index, module, root.keys))


def _is_running(frame: FrameType) -> bool:
    """Return whether ``frame`` is on the stack of this thread."""
    above: FrameType | None = sys._getframe(1)
    while above is not None and above is not frame:
        above = above.f_back
    return above is not None
