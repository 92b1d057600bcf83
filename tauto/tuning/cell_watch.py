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
from tauto.tuning.fixes.models import Compile

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
def watching(unit: FixUnit, step_ends: Callable[[], None], fix: CellFix | None, losses: list[Tensor]) -> Iterator[None]:
    """Tell ``step_ends`` of every step of the main thread, and the ``fix`` of what it is to change, within the block.

    The last tensor that ``backward`` was called on is kept in ``losses``.
    """
    with ExitStack() as stack:
        on_call = step_ends if unit == "model call" else _nothing
        stack.enter_context(_replaced(nn.Module, "__call__", functools.partial(_root_calls, on_call, fix)))
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


def _root_calls(step_ends: Callable[[], None], fix: CellFix | None, original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what stands for ``nn.Module.__call__``: it tells of the calls that the cell makes itself.

    Around a compiled model the original is put back, so that the compiler sees nothing of it.
    """
    main, compiling, inside = threading.get_ident(), torch.compiler.is_compiling, False

    def called(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return original(model, *args, **kwargs) if fix is None else fix.call(original, model, args, kwargs)

    @functools.wraps(original)
    def ours(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        nonlocal inside
        if compiling() or inside or threading.get_ident() != main or torch._C._current_graph_task_id() != -1:
            return original(self, *args, **kwargs)  # the last: called out of a backward pass, by checkpointing
        inside = True
        try:
            if isinstance(fix, Compile) or is_compiled(self):
                with _replaced(nn.Module, "__call__", lambda _: original):
                    result = called(self, args, kwargs)
            else:
                result = called(self, args, kwargs)
        finally:
            inside = False
        step_ends()
        return result

    return ours


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
