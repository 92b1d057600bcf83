"""What is written down while the cell runs: cheap for every call, in full for the sampled ones."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from tauto.profiling.anatomy import Anatomy, ModuleKey, anatomy_of, is_compiled, module_keys
from tauto.profiling.patches import Original, Pause
from tauto.profiling.tracer import Tracer
from tauto.workload import seen
from tauto.workload.structure import describe

__all__ = ["RANGE", "SAMPLES", "Recorder", "RootRecord"]

RANGE = "tauto#"
"""Begins the name of every range that marks a module call in the trace."""
SAMPLES = 5
"""Root calls traced of each model, after a first one that warms up."""

_TRACED_ROOTS = 4
_TRACE_S = 2.0
"""No further call is traced once the traced ones of all models took so long."""
_SHAPES = 4
_now = time.perf_counter_ns


@dataclass(slots=True)
class RootRecord:
    """One model that the cell called itself, as it is written down."""

    index: int
    model: weakref.ref[nn.Module]
    kind: str
    calls: int = 0
    total_ns: int = 0
    training_calls: int = 0
    grad_calls: int = 0
    """Calls that recorded gradients for parameters."""
    traced_calls: int = 0
    shapes: list[str] = field(default_factory=list)
    wants_inputs: bool = True
    remembered_samples: int = 0
    not_remembered: str = ""
    anatomy: Anatomy | None = None


class _Here(threading.local):
    """State of one thread."""

    inside = False
    traced: _TracedCall | None = None
    backward_depth = 0
    step_began = 0


@dataclass(slots=True, eq=False)
class _TracedCall:
    """The modules met in one traced root call, held only until it ends."""

    base: int
    synchronize: bool
    numbers: dict[int, int] = field(default_factory=dict)
    modules: list[nn.Module] = field(default_factory=list)

    def range_of(self, module: nn.Module) -> Any:
        number = self.numbers.get(id(module))
        if number is None:
            number = self.numbers[id(module)] = len(self.modules)
            self.modules.append(module)
        # torch.profiler.record_function does the same at twelve times the cost (measured: 10 µs against 0.9 µs).
        return torch._C._profiler._RecordFunctionFast(f"{RANGE}{self.base + number}")


class Recorder:
    """The observer of one session. Times are nanoseconds of :func:`time.perf_counter_ns`."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.roots: list[RootRecord] = []
        self.keys: list[ModuleKey] = []
        """Of every range number in the trace."""
        self.root_ranges: dict[int, int] = {}
        """Range number of each traced root call, to the index of its root."""
        self.busy_ns = 0
        """Time in which at least one thread was inside a root model, its backward pass or an optimizer."""
        self.backward_calls = 0
        self.backward_ns = 0
        self.step_calls = 0
        self.step_ns = 0
        self.own_ns = 0
        """Time spent on writing down, the tracer's apart."""
        self.pause: Pause = nullcontext
        """Opens a block in which module calls need not come here."""
        self._here = _Here()
        self._by_id: dict[int, RootRecord] = {}
        self._lock = threading.RLock()
        self._active = 0
        self._active_since = 0
        self._trace_ns = 0
        self._pid = os.getpid()
        self._thread = threading.get_ident()
        self._closed = False

    def close(self) -> None:
        """Write nothing down from here on, also for calls that are still under way."""
        self._closed = True
        with self._lock:
            if self._active:
                self.busy_ns += _now() - self._active_since
                self._active = 0

    def module_call(self, original: Original, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Call ``module``; see :class:`tauto.profiling.patches.Observer`."""
        here = self._here
        if here.inside:
            if here.traced is None:
                return original(module, *args, **kwargs)
            return self._inner_call(here.traced, original, module, args, kwargs)
        # A call out of the backward pass is a recomputation (checkpointing); a fork's calls are not this process's.
        if self._closed or os.getpid() != self._pid or torch._C._current_graph_task_id() != -1:
            return original(module, *args, **kwargs)
        return self._root_call(original, module, args, kwargs)

    def backward(self, original: Original, args: Any, kwargs: Any) -> Any:
        """Run a backward pass; see :class:`tauto.profiling.patches.Observer`."""
        here = self._here
        if here.backward_depth or self._closed or os.getpid() != self._pid:
            return original(*args, **kwargs)
        began = self._enter()
        here.backward_depth = 1
        try:
            return original(*args, **kwargs)
        finally:
            here.backward_depth = 0
            self._leave()
            self.backward_calls += 1
            self.backward_ns += _now() - began

    def profiler_begins(self) -> None:
        """Give way to a profiler of the user's: torch has room for one."""
        if not self._closed and threading.get_ident() == self._thread:
            self.tracer.give_way()

    def step_begins(self) -> None:
        """Note when the optimizer's step began."""
        self._here.step_began = _now()

    def step_ends(self) -> None:
        """Add the optimizer's step that has ended."""
        if not self._closed and (began := self._here.step_began):
            self._here.step_began = 0
            with self._lock:
                self.step_calls += 1
                self.step_ns += _now() - began
                self.busy_ns += 0 if self._active else _now() - began

    def _enter(self) -> int:
        began = _now()
        with self._lock:
            if self._active == 0:
                self._active_since = began
            self._active += 1
        return began

    def _leave(self) -> None:
        with self._lock:
            if self._active == 0:  # closed meanwhile
                return
            self._active -= 1
            if self._active == 0:
                self.busy_ns += _now() - self._active_since

    def _inner_call(self, traced: _TracedCall, original: Original, module: nn.Module, args: Any, kwargs: Any) -> Any:
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
        began = self._enter()
        here.inside, here.traced = True, traced
        try:
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
            self._leave()
            self._add(root, module, traced, began)

    def _prepare(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[RootRecord, _TracedCall | None]:
        """Write down what is asked before the call, and decide whether it is traced."""
        began, tracing = _now(), self.tracer.cost_ns
        with self._lock:
            root = self._record(module)
        if root.wants_inputs:
            self._remember(root, module, args, kwargs)
        traced = self._traced_call(root, module) if threading.get_ident() == self._thread else None
        self.own_ns += _now() - began - (self.tracer.cost_ns - tracing)
        return root, traced

    def _record(self, module: nn.Module) -> RootRecord:
        root = self._by_id.get(id(module))
        if root is None or root.model() is not module:  # the second: an identity taken over from a model that died
            kind = type(getattr(module, "_orig_mod", module)).__name__
            root = RootRecord(len(self.roots), weakref.ref(module), kind)
            self.roots.append(root)
            self._by_id[id(module)] = root
        return root

    def _remember(self, root: RootRecord, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if root.calls == 0:
            seen.forget(module)
        try:
            root.wants_inputs = seen.remember(module, args, kwargs)
            if len(root.shapes) < _SHAPES:
                shapes = ", ".join(describe((args, dict(kwargs))))
                root.shapes.extend([shapes] if shapes not in root.shapes else [])
        except Exception as error:  # the user's own containers may refuse to be copied: their call must go on
            root.wants_inputs, root.not_remembered = False, f"{type(error).__name__}: {error}"

    def _traced_call(self, root: RootRecord, module: nn.Module) -> _TracedCall | None:
        first = root.calls == 0
        wanted = root.index < _TRACED_ROOTS and root.calls <= SAMPLES
        if not wanted or (self._trace_ns > _TRACE_S * 1e9 and not first):
            self.tracer.stop()
            return None
        self.tracer.start()
        if not self.tracer.running:
            return None
        synchronize = any(p.is_cuda for p in module.parameters())
        return _TracedCall(len(self.keys), synchronize)

    def _add(self, root: RootRecord, module: nn.Module, traced: _TracedCall | None, began: int) -> None:
        ended = _now()
        if self._closed:
            return
        with self._lock:
            root.calls += 1
            root.total_ns += ended - began
            root.training_calls += module.training
            root.grad_calls += torch.is_grad_enabled()
            if traced is not None:
                self._trace_ns += ended - began
                root.traced_calls += 1
                self.root_ranges[traced.base] = root.index
                self.keys.extend(module_keys(root.index, module, traced.modules))
            if root.anatomy is None:
                root.anatomy = anatomy_of(module)
            self.own_ns += _now() - ended
