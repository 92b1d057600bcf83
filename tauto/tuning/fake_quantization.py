"""Layers computed as if their numbers were integers: what quantizing does to values, and nothing to the speed.

Weights are rounded to symmetric integers with a scale for each output channel (int4: for each :data:`GROUP` of a
channel), activations to 256 steps. The rounding is torch's own (``torch.fake_quantize_per_channel_affine``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.utils.hooks import RemovableHandle

from tauto.tuning.quantizable import QuantizableLayer
from tauto.workload.call import Call

__all__ = ["GROUP", "Activations", "FakeQuantization", "Scheme", "quantized_weight"]

Activations = Literal["static", "dynamic", "none"]
GROUP = 32
"""Weights that share a scale in int4, where a channel is a multiple of that."""

_NAMES = ("input", "query", "key", "value", "x", "hidden_states")
_STEPS = 255


@dataclass(frozen=True, slots=True)
class Scheme:
    """How numbers are written.

    Parameters
    ----------
    bits : {8, 4}
        Of the weights.
    activations : {"static", "dynamic", "none"}
        ``"static"``: one range for each layer's input, from calls seen before; ``"dynamic"``: a scale for each row as
        it comes; ``"none"``: they stay in floating point.
    """

    bits: int = 8
    activations: Activations = "static"

    @property
    def group(self) -> int | None:
        """Weights that share a scale; None for all of an output channel."""
        return GROUP if self.bits < 8 else None

    def saved_bytes(self, layer: QuantizableLayer) -> int:
        """Return the bytes by which ``layer`` becomes smaller: integers and float32 scales in place of its weights."""
        kept = 0
        for place in layer.weights:
            weight = place.tensor
            channels = weight.shape[place.axis] if weight.ndim else 1
            per_channel = weight.numel() // max(channels, 1)
            scales = channels * (per_channel // self.group if self.group and per_channel % self.group == 0 else 1)
            kept += math.ceil(weight.numel() * self.bits / 8) + 4 * scales
        return layer.size_bytes - kept


def quantized_weight(weight: Tensor, axis: int, scheme: Scheme) -> Tensor:
    """Return ``weight`` rounded to the integers of ``scheme``, as floating-point values of its own type.

    Parameters
    ----------
    weight : Tensor
        Of any shape.
    axis : int
        The dimension that counts the output channels.
    scheme : Scheme
        Its ``bits`` and ``group``.
    """
    levels = 2 ** (scheme.bits - 1) - 1
    moved = weight.detach().float().movedim(axis, 0)
    rows = moved.reshape(moved.shape[0], -1)
    if scheme.group and rows.shape[1] % scheme.group == 0:
        rows = rows.reshape(-1, scheme.group)
    rounded = _rounded_rows(rows, levels)
    return rounded.reshape(moved.shape).movedim(0, axis).to(weight.dtype).contiguous()


def _rounded_rows(rows: Tensor, levels: int) -> Tensor:
    tiny = torch.finfo(torch.float32).tiny
    scales = (rows.abs().amax(1) / levels).clamp_min(tiny)
    zeros = torch.zeros(rows.shape[0], dtype=torch.int32, device=rows.device)
    return torch.fake_quantize_per_channel_affine(rows, scales, zeros, 0, -levels, levels)


class FakeQuantization:
    """A model of which any layers can be computed as if they were quantized.

    Parameters
    ----------
    model : torch.nn.Module
        A copy that nobody else uses: parametrized weights become plain ones, and hooks come and go.
    layers : sequence of QuantizableLayer
        Of that model.
    scheme : Scheme
        How numbers are written.
    """

    def __init__(self, model: nn.Module, layers: Sequence[QuantizableLayer], scheme: Scheme) -> None:
        self.model = model
        self.layers = {layer.path: layer for layer in layers}
        self.scheme = scheme
        self._ranges: dict[str, tuple[float, float]] = {}
        for layer in layers:
            for place in layer.weights:
                if parametrize.is_parametrized(place.owner, place.name):
                    _made_plain(place.owner, place.name)

    @property
    def reached(self) -> set[str]:
        """Layers that calibration reached."""
        return set(self._ranges)

    def calibrate(self, calls: Iterable[Call]) -> None:
        """Call the model and note the range of each layer's input."""
        with ExitStack() as stack:
            for path, layer in self.layers.items():
                stack.enter_context(_removed(self._observer(path, layer)))
            for call in calls:
                call(self.model)

    def _observer(self, path: str, layer: QuantizableLayer) -> RemovableHandle:
        def observe(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            low, high = self._ranges.get(path, (0.0, 0.0))
            for tensor in _inputs(layer, args, kwargs):
                finite = tensor[torch.isfinite(tensor)]
                if finite.numel():
                    low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            self._ranges[path] = low, high

        return layer.module.register_forward_pre_hook(observe, with_kwargs=True)

    @contextmanager
    def quantized(self, paths: Collection[str]) -> Iterator[nn.Module]:
        """Give the model with the layers of these ``paths`` quantized; afterwards it is as before."""
        with ExitStack() as stack:
            for path in paths:
                layer = self.layers[path]
                for place in layer.weights:
                    weight = quantized_weight(place.tensor, place.axis, self.scheme)
                    stack.enter_context(_replaced(place.owner, place.name, weight))
                if self.scheme.activations != "none" and not layer.looks_up:
                    stack.enter_context(_removed(self._rounder(path, layer)))
            yield self.model

    def _rounder(self, path: str, layer: QuantizableLayer) -> RemovableHandle:
        def rounded(
            _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]]:
            # what is one tensor stays one: attention looks whether query and key are
            made = {id(tensor): self.rounded_input(path, tensor) for tensor in _inputs(layer, args, kwargs)}
            new = tuple(made.get(id(value), value) for value in args)
            return new, {name: made.get(id(value), value) for name, value in kwargs.items()}

        return layer.module.register_forward_pre_hook(rounded, with_kwargs=True)

    def rounded_input(self, path: str, tensor: Tensor) -> Tensor:
        """Return an input of the layer at ``path`` rounded to 256 steps."""
        values = tensor.float()
        if self.scheme.activations == "static":
            low, high = self._ranges.get(path, (0.0, 0.0))
            rounded = _in_range(values, low, high)
        elif isinstance(self.layers[path].module, nn.modules.conv._ConvNd):
            rounded = _in_range(values, float(values.min()), float(values.max()))
        else:
            rounded = _rounded_rows(values.reshape(-1, values.shape[-1]), 127).reshape(values.shape)
        return rounded.to(tensor.dtype)


def _made_plain(owner: nn.Module, name: str) -> None:
    parametrize.remove_parametrizations(owner, name, leave_parametrized=True)
    if name in owner._buffers:  # torch leaves a buffer where the weight was made of several and none takes gradients
        weight = owner._buffers.pop(name)
        assert weight is not None  # for the type checker: it was computed just now
        owner.register_parameter(name, nn.Parameter(weight.detach(), requires_grad=False))


def _in_range(values: Tensor, low: float, high: float) -> Tensor:
    low, high = min(low, 0.0), max(high, 0.0)  # zero must be one of the steps: padding is made of it
    scale = (high - low) / _STEPS
    if not math.isfinite(scale) or scale < torch.finfo(torch.float32).tiny:
        return values
    zero = max(0, min(_STEPS, round(-low / scale)))
    return torch.fake_quantize_per_tensor_affine(values, scale, zero, 0, _STEPS)


def _inputs(layer: QuantizableLayer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """Return what the layer multiplies with its weights: masks and the like are no part of that."""
    taken = 3 if isinstance(layer.module, nn.MultiheadAttention) else 1
    given = [*args[:taken], *(kwargs[name] for name in _NAMES if name in kwargs)]
    return [value for value in given if isinstance(value, Tensor) and value.is_floating_point() and value.numel()]


@contextmanager
def _removed(handle: RemovableHandle) -> Iterator[None]:
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _replaced(owner: nn.Module, name: str, weight: Tensor) -> Iterator[None]:
    # of this owner alone: a tied weight stays as it is elsewhere
    before = owner._parameters[name]
    owner._parameters[name] = nn.Parameter(weight, requires_grad=False)
    try:
        yield
    finally:
        owner._parameters[name] = before
