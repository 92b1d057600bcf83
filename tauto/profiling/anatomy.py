"""What a root model is made of, taken down once: names, sizes, and what the findings ask about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

__all__ = ["Anatomy", "ModuleKey", "anatomy_of", "module_keys"]


@dataclass(frozen=True, slots=True)
class ModuleKey:
    """One module of a root: where it is, what it is, and how large."""

    root: int
    path: str | None
    """Dotted path below the root; None for a module that the root does not own."""
    kind: str
    parameters: int
    parameter_bytes: int


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Facts about one root model."""

    kind: str
    parameters: int
    parameter_bytes: int
    trainable: bool
    """Whether any parameter requires a gradient."""
    devices: tuple[str, ...]
    convolutions: int
    """2-d convolutions."""
    channels_last: bool
    """Whether a convolution's weight is laid out channels last."""
    foldable_norms: int
    """Batch norms whose module comes right after a convolution of as many output channels (estimate)."""
    opaque: str
    """``compiled`` or ``scripted`` when calls of its inner modules cannot be seen, else empty."""


def _size(tensors: Iterable[Tensor]) -> tuple[int, int]:
    known = [tensor for tensor in tensors if not isinstance(tensor, nn.parameter.UninitializedTensorMixin)]
    return sum(t.numel() for t in known), sum(t.numel() * t.element_size() for t in known)


def _opaque(model: nn.Module) -> str:
    if isinstance(model, torch.jit.ScriptModule):
        return "scripted"
    # OptimizedModule is named so that torch._dynamo need not be imported; compile() in place leaves the other.
    compiled = type(model).__name__ == "OptimizedModule" or getattr(model, "_compiled_call_impl", None) is not None
    return "compiled" if compiled else ""


def _foldable(modules: list[nn.Module]) -> int:
    pairs = zip(modules, modules[1:], strict=False)
    return sum(
        isinstance(first, _ConvNd) and isinstance(second, _BatchNorm) and first.out_channels == second.num_features
        for first, second in pairs
    )


def _is_channels_last(weight: Tensor) -> bool:
    if isinstance(weight, nn.parameter.UninitializedTensorMixin):
        return False
    return weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()


def anatomy_of(model: nn.Module) -> Anatomy:
    """Return the facts about ``model`` as it is now."""
    parameters, size = _size(model.parameters())
    modules = list(model.modules())
    convolutions = [module for module in modules if isinstance(module, nn.Conv2d)]
    return Anatomy(
        kind=type(getattr(model, "_orig_mod", model)).__name__,
        parameters=parameters,
        parameter_bytes=size,
        trainable=any(parameter.requires_grad for parameter in model.parameters()),
        devices=tuple(sorted({tensor.device.type for tensor in (*model.parameters(), *model.buffers())})),
        convolutions=len(convolutions),
        channels_last=any(_is_channels_last(convolution.weight) for convolution in convolutions),
        foldable_norms=_foldable([module for module in modules if not list(module.children())]),
        opaque=_opaque(model),
    )


def module_keys(root: int, model: nn.Module, called: Iterable[nn.Module]) -> list[ModuleKey]:
    """Return the key of each of ``called``, by its first path below ``model``."""
    paths = {id(module): path for path, module in model.named_modules()}
    return [
        ModuleKey(root, paths.get(id(module)), type(module).__name__, *_size(module.parameters())) for module in called
    ]
