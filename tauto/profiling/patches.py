"""Watch every module call, backward pass and optimizer step of the process, and leave no trace of it.

``torch.nn.Module.__call__`` is replaced while a session is open, not hooked: torch's global hooks do not show keyword
arguments, warn on compiled models and take every call off its fast path. No module is touched, compiled code
does not recompile (dynamo sees the original), and hooks of the user's own run inside, in their order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

__all__ = ["Observer", "watching"]

Original = Callable[..., Any]


class Observer(Protocol):
    """What :func:`watching` tells."""

    def module_call(self, original: Original, module: nn.Module, args: Any, kwargs: Any) -> Any:
        """Return ``original(module, *args, **kwargs)``."""

    def backward(self, original: Original, args: Any, kwargs: Any) -> Any:
        """Return ``original(*args, **kwargs)``, a backward pass or a computation of gradients."""

    def step_begins(self) -> None:
        """An optimizer's ``step`` begins on this thread."""

    def step_ends(self) -> None:
        """It has ended without an error."""


@contextmanager
def watching(observer: Observer) -> Iterator[None]:
    """Tell ``observer`` of all that happens inside the ``with`` block, in every thread."""
    with ExitStack() as stack:
        stack.enter_context(_replaced(nn.Module, "__call__", _module_call(observer)))
        stack.enter_context(_replaced(torch.autograd, "_engine_run_backward", _backward(observer)))
        stack.callback(register_optimizer_step_pre_hook(_step_hook(observer.step_begins)).remove)
        stack.callback(register_optimizer_step_post_hook(_step_hook(observer.step_ends)).remove)
        yield


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


def _backward(observer: Observer) -> Callable[[Original], Original]:
    def wrap(original: Original) -> Original:
        @functools.wraps(original)
        def run_backward(*args: Any, **kwargs: Any) -> Any:
            if torch.compiler.is_compiling():
                return original(*args, **kwargs)
            return observer.backward(original, args, kwargs)

        return run_backward

    return wrap


def _step_hook(told: Callable[[], None]) -> Callable[[Optimizer, tuple[Any, ...], dict[str, Any]], None]:
    def hook(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not torch.compiler.is_compiling():
            told()

    return hook


@contextmanager
def _replaced(owner: Any, name: str, wrap: Callable[[Original], Original]) -> Iterator[None]:
    original = getattr(owner, name)
    ours = wrap(original)
    try:
        setattr(owner, name, ours)
        yield
    finally:
        # Somebody who replaced it on top of ours and stayed keeps theirs; ours then only passes on.
        if getattr(owner, name) is ours:
            setattr(owner, name, original)
