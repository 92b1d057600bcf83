"""Counts the steps of a cell while it runs, and lets the kernel say when the next ones may run."""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.data import DataLoader

from tauto.profiling.anatomy import is_compiled
from tauto.reports.fix import FixUnit
from tauto.tuning.fixes import CellFix

__all__ = ["Gate", "watching"]

_now = time.perf_counter_ns


class Gate:
    """Where a cell waits between two blocks of steps. The clock stands still meanwhile.

    The kernel asks for a block (``settle`` steps untimed, then ``steps`` timed) and is told the nanoseconds.

    Parameters
    ----------
    connection : Connection
        To the kernel; messages are JSON.
    describe : callable
        Gives what the kernel is told when it asks for no more steps: memory, loss, notes.
    """

    def __init__(self, connection: Connection, describe: Callable[[], dict[str, Any]]) -> None:
        self._connection = connection
        self._describe = describe
        self._settle = self._left = self._steps = 0
        self._elapsed = self._since = self._began = 0
        self.counted = 0
        """Steps of this run of the cell that ended, the first too."""

    def open(self) -> None:
        """Wait for the first block."""
        self._wait()

    def run_begins(self) -> None:
        """A run of the cell begins; its first step ends nothing that could be timed."""
        self.counted = 0
        self._since = 0
        self._began = _now()

    def step_ends(self) -> None:
        """Count a step; at the end of a block tell the kernel and wait for the next."""
        self.counted += 1
        if self._since == 0:  # the first of a run: the clock starts with its end
            self._since = _now()
            return
        self._count(_now() - self._since)

    def whole_run_ends(self, nanoseconds: int) -> None:
        """Count a whole run of the cell as one step."""
        self._count(nanoseconds)

    def tell(self, **message: Any) -> None:
        """Answer the kernel's last question with ``message`` and wait for the next."""
        self._connection.send_bytes(json.dumps(message).encode())
        self._wait()

    def _count(self, nanoseconds: int) -> None:
        if self._settle:
            self._settle -= 1
            if not self._settle:
                _synchronize()
        else:
            self._elapsed += nanoseconds
            self._left -= 1
        if self._left == 0:
            before = _now()
            _synchronize()
            now = _now()
            self.tell(steps=self._steps, elapsed_ns=self._elapsed + now - before, since_begin_ns=now - self._began)
        self._since = _now()

    def _wait(self) -> None:
        while True:
            request = json.loads(self._connection.recv_bytes())
            if "steps" in request:
                break
            self._connection.send_bytes(json.dumps(self._describe()).encode())
        self._settle, self._left = request["settle"], request["steps"]
        self._steps, self._elapsed = request["steps"], 0


def _synchronize() -> None:
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()


@contextmanager
def watching(
    unit: FixUnit, step_ends: Callable[[], None], fix: CellFix | None, losses: list[Tensor], *, apart: bool = False
) -> Iterator[None]:
    """Tell ``step_ends`` of every step of the main thread, and the ``fix`` of what it is to change, within the block.

    The last tensor that ``backward`` was called on is kept in ``losses``. With ``apart``, models are watched as they
    are where one is compiled: one side of the trial compiles.
    """
    with ExitStack() as stack:
        stack.enter_context(_RootCalls(step_ends if unit == "model call" else _nothing, fix, apart).watched())
        stack.enter_context(_replaced(Tensor, "backward", functools.partial(_backward, losses)))
        if fix is not None:
            stack.enter_context(_replaced(DataLoader, "__iter__", functools.partial(_iteration, fix)))
            before = fix.before_step
            hook = register_optimizer_step_pre_hook(lambda optimizer, *_: before(optimizer))
            stack.callback(hook.remove)
        if unit == "optimizer step":
            stack.callback(register_optimizer_step_post_hook(_after_step(step_ends)).remove)
        yield


def _nothing() -> None:
    """Tell nobody."""


def _after_step(step_ends: Callable[[], None]) -> Callable[[Optimizer, Any, Any], None]:
    def hook(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            step_ends()

    return hook


@contextmanager
def _replaced(owner: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, wrap(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


class _RootCalls:
    """Tells of the calls of models that the cell makes itself.

    ``nn.Module.__call__`` is replaced until each model of an iteration was seen. It stays so, unless one of them is
    compiled: there a replaced ``__call__`` costs half a millisecond a call (measured, on a small net), so the models
    themselves are watched instead, on both sides alike.
    """

    def __init__(self, step_ends: Callable[[], None], fix: CellFix | None, apart: bool) -> None:
        self._step_ends, self._fix, self._apart = step_ends, fix, apart
        self._original = nn.Module.__call__
        self._main, self._inside = threading.get_ident(), False
        self._seen: list[nn.Module] = []

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch within the block."""
        self._replace(self._replacement())
        try:
            yield
        finally:
            self._replace(self._original)

    def _replacement(self) -> Callable[..., Any]:
        original, compiling, main = self._original, torch.compiler.is_compiling, self._main

        @functools.wraps(original)
        def ours(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if compiling() or self._inside or threading.get_ident() != main or _recomputing():
                return original(module, *args, **kwargs)
            known = any(item is module for item in self._seen)
            if known and self._apart:
                self._watch_apart()
                return original(module, *args, **kwargs)
            if not known:
                self._seen.append(module)
            self._apart = self._apart or is_compiled(module)
            self._inside = True
            try:
                if self._apart:  # whatever is compiled now must not meet ours
                    self._replace(original)
                return self._called(original, module, args, kwargs)
            finally:
                self._inside = False
                self._replace(ours)

        return ours

    def _called(self, original: Callable[..., Any], module: nn.Module, args: Any, kwargs: Any) -> Any:
        fix = self._fix
        result = original(module, *args, **kwargs) if fix is None else fix.call(original, module, args, kwargs)
        self._inside = False  # the cell may wait in here for long
        self._step_ends()
        return result

    def _watch_apart(self) -> None:
        """Watch the models seen so far one by one, and no others."""
        self._replace(self._original)
        for module in self._seen:
            name = "forward" if getattr(module, "_compiled_call_impl", None) is None else "_compiled_call_impl"
            inner = getattr(module, name)

            def heard(*args: Any, module: nn.Module = module, inner: Callable[..., Any] = inner, **kwargs: Any) -> Any:
                if _recomputing():
                    return inner(*args, **kwargs)
                return self._called(lambda _, *a, **k: inner(*a, **k), module, args, kwargs)

            setattr(module, name, heard)

    def _replace(self, call: Callable[..., Any]) -> None:
        if nn.Module.__call__ is not call:
            nn.Module.__call__ = call  # type: ignore[method-assign]


def _recomputing() -> bool:
    """Whether this is called out of a backward pass, as checkpointing does."""
    return bool(torch._C._current_graph_task_id() != -1)


def _backward(losses: list[Tensor], original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def backward(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        losses[:] = [self.detach()]
        return original(self, *args, **kwargs)

    return backward


def _iteration(fix: CellFix, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def iterate(self: DataLoader[Any]) -> Any:
        return original(fix.loader(self))

    return iterate
