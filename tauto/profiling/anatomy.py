"""What a root model is made of, taken down once: names, sizes, and what the findings ask about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.parameter import is_lazy

__all__ = ["Anatomy", "ModuleKey", "anatomy_of", "is_compiled", "key_of", "paths_of"]


@dataclass(frozen=True, slots=True)
class ModuleKey:
    """One module of a root: where it is, what it is, and how large."""

    root: int
    path: str | None
    """Dotted path below the root; None for a module that the root does not own."""
    kind: str
    parameters: int
    parameter_bytes: int
    line: str = ""
    """The user's line that called it, such as ``train.py:12``; empty when no line of theirs was on the stack."""


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
    mode_dependent: int
    """Dropouts that drop, and batch norms: what computes otherwise in training mode."""
    opaque: str
    """``compiled`` or ``scripted`` when calls of its inner modules cannot be seen, else empty."""


def _size(tensors: Iterable[Tensor]) -> tuple[int, int]:
    known = [tensor for tensor in tensors if not is_lazy(tensor)]
    return sum(t.numel() for t in known), sum(t.numel() * t.element_size() for t in known)


def is_compiled(model: nn.Module) -> bool:
    """Return whether ``torch.compile(model)`` returned it, or ``model.compile()`` was called on it."""
    # OptimizedModule goes by its name, so that torch._dynamo need not be imported.
    return type(model).__name__ == "OptimizedModule" or getattr(model, "_compiled_call_impl", None) is not None


def _opaque(model: nn.Module) -> str:
    if isinstance(model, torch.jit.ScriptModule):
        return "scripted"
    return "compiled" if is_compiled(model) else ""


def _foldable(modules: list[nn.Module]) -> int:
    return sum(
        isinstance(first, _ConvNd) and isinstance(second, _BatchNorm) and first.out_channels == second.num_features
        for first, second in pairwise(modules)
    )


def _depends_on_mode(module: nn.Module) -> bool:
    dropout = getattr(module, "dropout", 0.0)  # of recurrent layers and attention, which drop inside
    inside = isinstance(module, (nn.RNNBase, nn.MultiheadAttention)) and isinstance(dropout, float) and dropout > 0
    return isinstance(module, _BatchNorm) or (isinstance(module, _DropoutNd) and module.p > 0) or inside


def _is_channels_last(weight: Tensor) -> bool:
    if is_lazy(weight):
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
        mode_dependent=sum(map(_depends_on_mode, modules)),
        opaque=_opaque(model),
    )


def paths_of(model: nn.Module) -> dict[int, str]:
    """Return the first dotted path below ``model`` of each of its modules, by identity."""
    paths: dict[int, str] = {}
    for path, module in model.named_modules():
        paths.setdefault(id(module), path)
    return paths


def key_of(root: int, module: nn.Module, paths: Mapping[int, str], line: str) -> ModuleKey:
    """Return the key of ``module`` below a root whose modules have ``paths``, called from the user's ``line``."""
    return ModuleKey(root, paths.get(id(module)), type(module).__name__, *_size(module.parameters()), line)
