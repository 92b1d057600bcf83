"""Layers that compute as if their numbers were integers already, and can be trained so.

torchao has this for linear layers and embeddings alone; torch's own rounding, whose gradient passes straight through
(Jacob et al., 2018, arXiv:1712.05877), serves convolutions as well. Ranges are those of each call, so that nothing but
the weights is learned and a training can be rolled back.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

__all__ = ["KINDS", "RoundedInput", "RoundedWeight", "round_layers", "rounding_ends"]

KINDS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
"""Layers that are rounded."""


class RoundedWeight(nn.Module):
    """Rounds a weight to symmetric integers, with a scale for each output channel or each group of a row.

    Parameters
    ----------
    axis : int
        The dimension that counts the output channels.
    bits : int
        Of the integers.
    group : int or None
        Weights that share a scale, where a row is a multiple of that; None for all of a channel.
    """

    def __init__(self, axis: int, bits: int, group: int | None) -> None:
        super().__init__()
        self.axis, self.bits, self.group = axis, bits, group

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight, rounded; of the same shape."""
        levels = 2 ** (self.bits - 1) - 1
        moved = weight.movedim(self.axis, 0)
        rows = moved.reshape(moved.shape[0], -1)
        if self.group and rows.shape[1] % self.group == 0:
            rows = rows.reshape(-1, self.group)
        scales = (rows.detach().abs().amax(1) / levels).clamp_min(torch.finfo(torch.float32).tiny)
        zeros = torch.zeros(rows.shape[0], dtype=torch.int32, device=rows.device)
        rounded = torch.fake_quantize_per_channel_affine(rows, scales, zeros, 0, -levels, levels)
        return rounded.reshape(moved.shape).movedim(0, self.axis)


class RoundedInput:
    """A hook that rounds what a layer is called with to 256 steps between its extremes."""

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments, the first one rounded."""
        if not args or not args[0].is_floating_point() or not args[0].numel():
            return args
        seen = args[0].detach()
        low, high = (
            seen.amin().clamp_max(0),
            seen.amax().clamp_min(0),
        )  # zero is one of the steps: padding is made of it
        scale = ((high - low) / 255).clamp_min(torch.finfo(torch.float32).tiny)
        zero = (-low / scale).round().clamp(0, 255).to(torch.int32)
        return (torch.fake_quantize_per_tensor_affine(args[0], scale, zero, 0, 255), *args[1:])


def round_layers(model: nn.Module, bits: int, keep: Collection[str]) -> list[str]:
    """Have linear layers and convolutions of ``model`` compute with rounded numbers; return their names.

    In eight bits inputs are rounded too; in four, 32 weights share a scale. Layers with parametrizations of their own,
    and what ``keep`` names with all that it holds, are left out.
    """
    kept = {id(layer) for name in keep for layer in model.get_submodule(name).modules()}
    found = []
    for name, layer in model.named_modules():
        if type(layer) in KINDS and id(layer) not in kept and "weight" in layer._parameters:
            found.append(name)
    for name in found:
        layer = model.get_submodule(name)
        axis = 1 if type(layer).__name__.startswith("ConvTranspose") else 0
        parametrize.register_parametrization(layer, "weight", RoundedWeight(axis, bits, 32 if bits < 8 else None))
        if bits == 8:
            layer.register_forward_pre_hook(RoundedInput())
    return found


def rounding_ends(model: nn.Module) -> nn.Module:
    """Give each layer of ``model`` its own weights back, as they were trained, and take the hooks away."""
    for layer in list(model.modules()):
        rounded = getattr(getattr(layer, "parametrizations", None), "weight", ())
        if any(isinstance(each, RoundedWeight) for each in rounded):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
            layer._parameters["bias"] = layer._parameters.pop("bias")  # it stood behind the weight
        for key, hook in list(layer._forward_pre_hooks.items()):
            if isinstance(hook, RoundedInput):
                del layer._forward_pre_hooks[key]
    return model
