"""Fixes of the model itself: its memory format, its compiler, its checkpoints, what of it is trained."""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.checkpoint import checkpoint

from tauto.errors import CandidateFailed
from tauto.tuning.fixes.base import CellFix, Targets
from tauto.workload.structure import map_tensors

__all__ = ["Checkpoint", "Compile", "Freeze", "MemoryFormat"]

Original = Callable[..., Any]


class ModelFix(CellFix):
    """Change each model once, before its first call."""

    nothing: ClassVar[str] = "no model that it is for was called"

    def __init__(self, targets: Targets, options: Mapping[str, Any]) -> None:
        super().__init__(targets, options)
        self._changed: weakref.WeakSet[nn.Module] = weakref.WeakSet()

    def call(self, original: Original, model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Change the model if this is its first call, then call it."""
        if model not in self.targets:
            return original(model, *args, **kwargs)
        if model not in self._changed:
            self._changed.add(model)
            self.change(model)
            self.engaged += 1
        return original(model, *map_tensors(self.argument, args), **map_tensors(self.argument, dict(kwargs)))

    def change(self, model: nn.Module) -> None:
        """Change ``model`` in place."""
        raise NotImplementedError

    def argument(self, tensor: Tensor) -> Tensor:
        """Return a tensor of the call as the changed model wants it."""
        return tensor


class MemoryFormat(ModelFix):
    """Work in channels last."""

    def change(self, model: nn.Module) -> None:
        """Convert the weights, which stay the same parameters: the optimizer keeps them."""
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def argument(self, tensor: Tensor) -> Tensor:
        """Return a batch of images with its channels last."""
        return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


class Compile(ModelFix):
    """Compile the model."""

    def change(self, model: nn.Module) -> None:
        """Have its calls go through ``torch.compile``."""
        model.compile(**{name: self.options[name] for name in ("dynamic", "mode") if name in self.options})


class Checkpoint(ModelFix):
    """Compute the activations of some modules again in the backward pass instead of keeping them."""

    def change(self, model: nn.Module) -> None:
        """Wrap the forward of the modules named."""
        for path in str(self.options["modules"]).split(","):
            try:
                part = model.get_submodule(path.strip())
            except AttributeError:
                raise CandidateFailed(f"the model has no module {path.strip()!r}") from None
            part.forward = functools.partial(checkpoint, part.forward, use_reentrant=False)


class Freeze(CellFix):
    """Compute no gradients that no optimizer uses."""

    nothing: ClassVar[str] = "every parameter that gets a gradient has an optimizer, or none stepped"

    def __init__(self, targets: Targets, options: Mapping[str, Any]) -> None:
        super().__init__(targets, options)
        self._models: weakref.WeakSet[nn.Module] = weakref.WeakSet()
        self._done = False

    def call(self, original: Original, model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Note the model and call it."""
        if not self._done and model in self.targets:
            self._models.add(model)
        return original(model, *args, **kwargs)

    def before_step(self, optimizer: Optimizer) -> None:
        """Freeze at the first step: by then every optimizer is there."""
        if self._done:
            return
        self._done = True
        optimizers = [item for item in gc.get_objects() if issubclass(type(item), Optimizer)]
        held = {id(tensor) for item in optimizers for group in item.param_groups for tensor in group["params"]}
        for parameter in {tensor for model in self._models for tensor in model.parameters()}:
            if parameter.requires_grad and id(parameter) not in held:
                parameter.requires_grad_(False)
                parameter.grad = None
                self.engaged += 1
