"""What stands between a changed model and its caller, so that the caller sees no change.

Each class holds the changed module; its inputs are converted going in and its outputs coming out. They are
plain modules of plain attributes: they can be pickled, copied and compiled.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn

from tauto.serialization import add_kind
from tauto.workload.structure import map_tensors

__all__ = ["Autocast", "CastPrecision", "ChannelsLast", "cast_layers"]


class CastPrecision(nn.Module):
    """A module that computes in ``dtype`` and is called with, and answers in, float32.

    Integers, booleans and other floating types pass as they are.
    """

    def __init__(self, module: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.module = module
        self.dtype = dtype

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module with float32 tensors cast to ``dtype``, and cast its outputs back."""
        args, kwargs = map_tensors(self._inward, (args, kwargs))
        return map_tensors(self._outward, self.module(*args, **kwargs))

    def _inward(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.dtype) if tensor.dtype == torch.float32 else tensor

    def _outward(self, tensor: Tensor) -> Tensor:
        return tensor.to(torch.float32) if tensor.dtype == self.dtype else tensor


def cast_layers(model: nn.Module, names: Collection[str], dtype: torch.dtype) -> None:
    """Have the modules of these dotted ``names`` compute in ``dtype``, in place."""
    for name in names:
        owner, _, attribute = name.rpartition(".")
        layer = CastPrecision(model.get_submodule(name).to(dtype), dtype)
        setattr(model.get_submodule(owner), attribute, layer)


class Autocast(nn.Module):
    """A float32 module called under autocast, so that each operator picks ``dtype`` or float32."""

    def __init__(self, module: nn.Module, dtype: torch.dtype, device: str) -> None:
        super().__init__()
        self.module = module
        self.dtype = dtype
        self.device = device

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module under autocast, and cast its outputs back to float32."""
        with torch.autocast(self.device, self.dtype):
            outputs = self.module(*args, **kwargs)
        return map_tensors(self._outward, outputs)

    def _outward(self, tensor: Tensor) -> Tensor:
        return tensor.to(torch.float32) if tensor.dtype == self.dtype else tensor


class ChannelsLast(nn.Module):
    """A module that keeps its tensors channels-last, called with and answering in contiguous ones."""

    def __init__(self, module: nn.Module, dimensions: int) -> None:
        super().__init__()
        self.module = module
        self.dimensions = dimensions

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module with channels-last inputs, and return contiguous outputs."""
        args, kwargs = map_tensors(self._inward, (args, kwargs))
        return map_tensors(torch.Tensor.contiguous, self.module(*args, **kwargs))

    def _inward(self, tensor: Tensor) -> Tensor:
        if tensor.ndim != self.dimensions:
            return tensor
        last = torch.channels_last if self.dimensions == 4 else torch.channels_last_3d
        return tensor.contiguous(memory_format=last)


add_kind(CastPrecision, ("dtype",), inner=("module",))
add_kind(Autocast, ("dtype", "device"), inner=("module",))
add_kind(ChannelsLast, ("dimensions",), inner=("module",))
