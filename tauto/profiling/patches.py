"""Watch every module call, backward pass, optimizer step and loader of the process, and leave no trace of it.

``torch.nn.Module.__call__`` is replaced while a session is open, not hooked: torch's global hooks do not show keyword
arguments, warn on compiled models and take every call off its fast path. No module is touched, and hooks of the
user's own run inside, in their order. Around a compiled model the original is put back (:class:`Pause`), so that the
compiler neither inlines ours nor guards on it.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _BaseDataLoaderIter

__all__ = ["Observer", "Pause", "watching"]

Original = Callable[..., Any]


class Observer(Protocol):
    """What :func:`watching` tells."""

    def module_call(self, original: Original, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Return ``original(module, *args, **kwargs)``."""

    def backward(self, original: Original, args: Any, kwargs: Any) -> Any:
        """Return ``original(*args, **kwargs)``, a backward pass or a computation of gradients."""

    def profiler_begins(self) -> None:
        """A torch profiler is about to start on this thread."""

    def waits(self, original: Original, args: Any, kwargs: Any, *, batch: bool) -> Any:
        """Return ``original(*args, **kwargs)``: a DataLoader's next batch, or (not ``batch``) its iterator."""

    def zero_grad(self, original: Original, args: Any, kwargs: Any) -> Any:
        """Return ``original(*args, **kwargs)``, an optimizer's ``zero_grad``."""

    def step_begins(self, optimizer: Optimizer) -> None:
        """An optimizer's ``step`` begins on this thread."""

    def step_ends(self, optimizer: Optimizer) -> None:
        """It has ended without an error."""


Pause = Callable[[], AbstractContextManager[None]]
"""Opens a block in which module calls are not watched, in any thread."""


@contextmanager
def watching(observer: Observer) -> Iterator[Pause]:
    """Tell ``observer`` of all that happens inside the ``with`` block, in every thread."""
    with ExitStack() as stack:
        calls = _Replacement(nn.Module, "__call__", _module_call(observer))
        replacements = (
            calls,
            _Replacement(torch.autograd, "_engine_run_backward", _passing(observer.backward)),
            _Replacement(torch.autograd.profiler.profile, "_prepare_trace", _prepare_trace(observer)),
            _Replacement(_BaseDataLoaderIter, "__next__", _passing(partial(observer.waits, batch=True))),
            _Replacement(DataLoader, "__iter__", _passing(partial(observer.waits, batch=False))),
            _Replacement(Optimizer, "zero_grad", _passing(observer.zero_grad)),
        )
        for replacement in replacements:
            stack.callback(replacement.remove)  # first, so that an interrupt in between leaves nothing behind
            replacement.install()
        stack.callback(register_optimizer_step_pre_hook(_step_hook(observer.step_begins)).remove)
        stack.callback(register_optimizer_step_post_hook(_step_hook(observer.step_ends)).remove)
        yield calls.paused


def _module_call(observer: Observer) -> Callable[[Original], Original]:
    compiling, told = torch.compiler.is_compiling, observer.module_call

    def wrap(original: Original) -> Original:
        @functools.wraps(original)
        def __call__(self: nn.Module, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - shown in tracebacks
            if compiling():
                return original(self, *args, **kwargs)
            return told(original, self, args, kwargs)

        return __call__

    return wrap


def _passing(told: Callable[[Original, Any, Any], Any]) -> Callable[[Original], Original]:
    def wrap(original: Original) -> Original:
        @functools.wraps(original)
        def replaced(*args: Any, **kwargs: Any) -> Any:
            if torch.compiler.is_compiling():
                return original(*args, **kwargs)
            return told(original, args, kwargs)

        return replaced

    return wrap


def _prepare_trace(observer: Observer) -> Callable[[Original], Original]:
    def wrap(original: Original) -> Original:
        @functools.wraps(original)
        def prepare_trace(self: torch.autograd.profiler.profile) -> Any:
            observer.profiler_begins()
            return original(self)

        return prepare_trace

    return wrap


def _step_hook(told: Callable[[Optimizer], None]) -> Callable[[Optimizer, tuple[Any, ...], dict[str, Any]], None]:
    def hook(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not torch.compiler.is_compiling():
            told(optimizer)

    return hook


class _Replacement:
    """An attribute replaced from :meth:`install` to :meth:`remove`."""

    def __init__(self, owner: Any, name: str, wrap: Callable[[Original], Original]) -> None:
        self._owner, self._name = owner, name
        self._original = getattr(owner, name)
        self._ours = wrap(self._original)
        self._pauses = 0
        self._open = False
        self._lock = threading.Lock()

    def install(self) -> None:
        self._open = True
        self._swap(self._original, self._ours)

    def remove(self) -> None:
        self._open = False
        self._swap(self._ours, self._original)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Put the original back for the time of a block; blocks may overlap, in several threads."""
        with self._lock:
            self._pauses += 1
            self._swap(self._ours, self._original)
        try:
            yield
        finally:
            with self._lock:
                self._pauses -= 1
                if self._open and not self._pauses:
                    self._swap(self._original, self._ours)

    def _swap(self, expected: Original, wanted: Original) -> None:
        # Somebody who replaced it meanwhile and stayed keeps theirs; ours below it then only passes on.
        if getattr(self._owner, self._name) is expected:
            setattr(self._owner, self._name, wanted)
