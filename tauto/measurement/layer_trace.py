"""Which layers a model calls, under names that wrappers do not change."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from tauto.workload.call import Call
from tauto.workload.state import seeded
from tauto.workload.structure import tensors_of

__all__ = ["CalledLayer", "TracedModel", "is_compiled", "kind_of", "run_watched", "trace"]

Enter = Callable[[str, tuple[Any, ...], dict[str, Any]], None]
Leave = Callable[[str, Any], None]


@dataclass(slots=True)
class CalledLayer:
    """A layer that was called."""

    module: nn.Module
    kind: str
    calls: int = 0
    order: int = 0
    """Of the end of its first call, among those of all layers."""
    inner: bool = False
    """Whether it called other layers."""
    producer: str | None = None
    """The layer whose output it was given, whole and unchanged, at every call."""
    outputs: list[Tensor] = field(default_factory=list)
    """Of its first call, on the meta device: shapes and types alone."""


@dataclass(frozen=True, slots=True)
class TracedModel:
    """A model, its layers by path, and those that it called."""

    model: nn.Module
    modules: dict[str, nn.Module]
    called: dict[str, CalledLayer]

    def below(self, prefix: str) -> TracedModel:
        """Return the same model with paths relative to the module at ``prefix``."""

        def kept(table: dict[str, Any]) -> dict[str, Any]:
            inside = {path: entry for path, entry in table.items() if path == prefix or path.startswith(f"{prefix}.")}
            return {path.removeprefix(prefix).removeprefix("."): entry for path, entry in inside.items()}

        if not prefix:
            return self
        called: dict[str, CalledLayer] = {
            path: replace(layer, producer=layer.producer and layer.producer.removeprefix(f"{prefix}."))
            for path, layer in kept(self.called).items()
        }
        return TracedModel(self.model, kept(self.modules), called)

    def wrappers(self) -> list[str]:
        """Return the path of the model, of what it does nothing but wrap, of what that wraps, and so on."""
        paths, module = [""], self.modules[""]
        while not list(module.parameters(recurse=False)):
            inner = [(name, child) for name, child in module.named_children() if _holds_something(child)]
            if len(inner) != 1:
                break
            name, module = inner[0]
            if name != "_orig_mod":
                paths.append(f"{paths[-1]}.{name}".removeprefix("."))
        return paths


def _holds_something(module: nn.Module) -> bool:
    return any(True for _ in module.parameters()) or any(True for _ in module.children())


def kind_of(module: nn.Module) -> str:
    """Return the class of a layer, with the type of its weights where that is not float32.

    Examples
    --------
    >>> kind_of(nn.Linear(2, 2)), kind_of(nn.Linear(2, 2).bfloat16())
    ('Linear', 'Linear (bfloat16)')
    """
    name = type(module).__name__
    for tensor in module.parameters(recurse=False):
        if is_traceable_wrapper_subclass(tensor):
            return f"{name} ({type(tensor.data).__name__})"
        if tensor.dtype != torch.float32:
            return f"{name} ({str(tensor.dtype).removeprefix('torch.')})"
    # torch.ao's layers keep their weights packed, and no parameters
    return f"{name} (quantized)" if ".quantized" in type(module).__module__ else name


def is_compiled(model: nn.Module) -> bool:
    """Return whether a part of ``model`` runs as compiled code."""
    return any(
        type(module).__name__ in ("OptimizedModule", "CompiledModule")
        or vars(module).get("_compiled_call_impl") is not None
        for module in model.modules()
    )


def _layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return each module under its first name; what torch.compile wraps takes the name of the wrapper."""
    found: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        found[".".join(part for part in name.split(".") if part != "_orig_mod")] = module
    return found


@contextmanager
def _watched(modules: dict[str, nn.Module], enter: Enter, leave: Leave) -> Iterator[None]:
    """Hear of every call of ``modules``: before their own hooks see it, and after these have."""
    handles = []
    try:
        for path, module in modules.items():
            if isinstance(module, torch.jit.ScriptModule):  # it takes no hooks
                continue
            handles.append(
                module.register_forward_pre_hook(
                    lambda _, args, kwargs, path=path: enter(path, args, kwargs), prepend=True, with_kwargs=True
                )
            )
            handles.append(
                module.register_forward_hook(
                    lambda _, args, kwargs, output, path=path: leave(path, output), with_kwargs=True
                )
            )
        yield
    finally:
        for handle in handles:
            handle.remove()


def run_watched(
    model: nn.Module, modules: dict[str, nn.Module], call: Call, enter: Enter, leave: Leave, *, seed: int
) -> None:
    """Call ``model`` and hear of every call of ``modules``; compiled parts run as they are written.

    Hooks are removed and random states restored whatever happens.
    """
    # compiled code calls no layers; without the compiler loaded there is none, and loading it takes seconds
    eager = torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()
    with _watched(modules, enter, leave), seeded(seed), eager:
        call(model)


def trace(model: nn.Module, call: Call, *, seed: int = 0) -> TracedModel:
    """Call ``model`` once and return which layers it called, in which order, and what fed them."""
    modules = _layers(model)
    watch = _Watch(modules)
    run_watched(model, modules, call, watch.enter, watch.leave, seed=seed)
    return TracedModel(model, modules, watch.called)


class _Watch:
    def __init__(self, modules: dict[str, nn.Module]) -> None:
        self.modules = modules
        self.called: dict[str, CalledLayer] = {}
        self._running: list[str] = []
        self._made: dict[int, tuple[weakref.ref[Tensor], str]] = {}
        self._ended = 0

    def enter(self, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._running:
            self.called[self._running[-1]].inner = True
        self._running.append(path)
        producer = self._producer(args[0]) if len(args) == 1 and not kwargs else None
        if (layer := self.called.get(path)) is None:
            module = self.modules[path]
            layer = self.called[path] = CalledLayer(module, kind_of(module), producer=producer)
        elif layer.producer != producer:
            layer.producer = None
        layer.calls += 1

    def leave(self, path: str, output: Any) -> None:
        self._running.pop()
        layer = self.called[path]
        if not layer.order:
            self._ended += 1
            layer.order = self._ended
            layer.outputs = [_shape_only(tensor) for tensor in tensors_of(output)]
        # what a container returns was made by a layer inside it
        if isinstance(output, Tensor) and not layer.inner:
            self._made[id(output)] = weakref.ref(output), path

    def _producer(self, value: Any) -> str | None:
        made, path = self._made.get(id(value), (None, None))
        return path if made is not None and made() is value else None


def _shape_only(tensor: Tensor) -> Tensor:
    if tensor.is_nested:
        return tensor
    dtype = torch.float32 if tensor.is_quantized else tensor.dtype
    return torch.empty(tensor.shape, dtype=dtype, device="meta")
