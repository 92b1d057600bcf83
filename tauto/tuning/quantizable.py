"""Which layers of a model hold weights that can be quantized, read from its structure alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

__all__ = ["QuantizableLayer", "SkippedLayer", "WeightPlace", "quantizable_layers"]

_ROWS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_TABLES = (nn.Embedding, nn.EmbeddingBag)


@dataclass(frozen=True, slots=True)
class WeightPlace:
    """Where a weight is, and which of its dimensions counts the output channels."""

    owner: nn.Module
    name: str
    axis: int

    @property
    def tensor(self) -> Tensor:
        """The weight."""
        found: Tensor = getattr(self.owner, self.name)
        return found


@dataclass(frozen=True, slots=True)
class QuantizableLayer:
    """A layer whose weights can be quantized.

    Parameters
    ----------
    path : str
        Its first dotted name in the model.
    module : torch.nn.Module
        The layer itself.
    weights : tuple of WeightPlace
        What is quantized: one weight, or the projections of a multi-head attention.
    also : tuple of str
        Other quantizable layers that share a weight with it, and other names of this one.
    """

    path: str
    module: nn.Module
    weights: tuple[WeightPlace, ...]
    also: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Its class."""
        return type(self.module).__name__

    @property
    def looks_up(self) -> bool:
        """Whether it is a table: it takes integers, and computes nothing."""
        return isinstance(self.module, _TABLES)

    @property
    def size_bytes(self) -> int:
        """Bytes of its weights, without biases."""
        return sum(place.tensor.numel() * place.tensor.element_size() for place in self.weights)

    def flops(self, taken: Tensor, returned: Tensor) -> int:
        """Return the FLOPs of one call by shapes: each weight is multiplied and added once for each place of it."""
        if self.looks_up:
            return 0
        elements = sum(place.tensor.numel() for place in self.weights)
        if isinstance(self.module, _TRANSPOSED):
            return 2 * elements * (taken.numel() // max(self.module.in_channels, 1))
        if isinstance(self.module, nn.modules.conv._ConvNd):
            return 2 * elements * (returned.numel() // max(self.module.out_channels, 1))
        return 2 * elements * (taken.numel() // max(taken.shape[-1], 1) if taken.ndim else 1)


@dataclass(frozen=True, slots=True)
class SkippedLayer:
    """A layer that would be quantized if it were not for ``reason``."""

    path: str
    kind: str
    reason: str


def quantizable_layers(model: nn.Module) -> tuple[list[QuantizableLayer], list[SkippedLayer]]:
    """Return the layers whose weights can be quantized, in order of the model, and those that cannot be, with reasons.

    Linear layers, convolutions and transposed ones, embeddings, multi-head attention (its projections together,
    as it calls none of them), and transformers' ``Conv1D``. A layer of several names stands under its first.
    """
    layers: list[QuantizableLayer] = []
    skipped: list[SkippedLayer] = []
    inside: set[int] = set()
    for path, module in model.named_modules():
        if id(module) in inside or not (places := list(_places(module))):
            continue
        if isinstance(module, nn.MultiheadAttention):
            inside.update(id(child) for child in module.modules())
        if reason := next(filter(None, map(_trouble, places)), ""):
            skipped.append(SkippedLayer(path, type(module).__name__, reason))
        else:
            layers.append(QuantizableLayer(path, module, tuple(places)))
    return _with_other_names(model, layers), skipped


def _places(module: nn.Module) -> Iterator[WeightPlace]:
    if isinstance(module, nn.MultiheadAttention):
        names = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
        yield from (WeightPlace(module, name, 0) for name in names if getattr(module, name, None) is not None)
        yield WeightPlace(module.out_proj, "weight", 0)
    elif isinstance(module, _TRANSPOSED) or _is_transformers_conv1d(module):
        yield WeightPlace(module, "weight", 1)
    elif isinstance(module, _ROWS + _TABLES):
        yield WeightPlace(module, "weight", 0)


def _is_transformers_conv1d(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    return type(module).__name__ == "Conv1D" and isinstance(weight, Tensor) and weight.ndim == 2


def _trouble(place: WeightPlace) -> str:
    """Return why a weight cannot be quantized; empty when it can."""
    if parametrize.is_parametrized(place.owner, place.name):
        return ""
    weight = place.tensor
    if is_traceable_wrapper_subclass(weight) or weight.is_quantized:
        return f"its weights are quantized already ({type(weight.data).__name__})"
    if place.name not in place.owner._parameters:
        return "its weights are computed anew at each call (a hook such as the old weight_norm): remove that first"
    if not weight.is_floating_point() or weight.dtype.itemsize < 2:
        return f"its weights are {str(weight.dtype).removeprefix('torch.')}"
    if weight.layout is not torch.strided:
        return "its weights are sparse"
    return "" if math.prod(weight.shape) else "it has no weights"


def _with_other_names(model: nn.Module, layers: list[QuantizableLayer]) -> list[QuantizableLayer]:
    names: dict[int, list[str]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        names.setdefault(id(module), []).append(path)
    users: dict[int, list[str]] = {}
    for layer in layers:
        for place in layer.weights:
            # a parametrized weight is made anew whenever it is asked for, and then its number means nothing
            if place.name in place.owner._parameters:
                users.setdefault(id(place.tensor), []).append(layer.path)
    found = []
    for layer in layers:
        shared = [path for place in layer.weights for path in users.get(id(place.tensor), ())]
        also = dict.fromkeys(path for path in [*names[id(layer.module)], *shared] if path != layer.path)
        found.append(QuantizableLayer(layer.path, layer.module, layer.weights, tuple(also)))
    return found
