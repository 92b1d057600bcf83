"""How tensors lie in memory."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques.boundary import ChannelsLast
from tauto.techniques.listing import MAPPING, MAPPING_IMPORTS, listed
from tauto.techniques.proof import proved
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Script, Technique
from tauto.workload import Workload

__all__ = ["ChannelsLastLayout"]


@register
class ChannelsLastLayout(Technique):
    """Keep images and the weights that convolve them channels-last, as the fast kernels want them."""

    name = "channels_last"
    title = "channels-last memory layout for convolutions"
    family = "layout"
    comes_after = frozenset({"fusion"})

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs 2-d or 3-d convolutions."""
        if _dimensions(workload.model) is None:
            return Applicability.no("the model has no 2-d or 3-d convolution, and only those have channels to put last")
        return Applicability.yes()

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """There is nothing to choose."""
        return (Config(),)

    def apply(self, workload: Workload, config: Config, context: Context) -> nn.Module:
        """Return a copy with channels-last weights, called with and answering in contiguous tensors."""
        dimensions = _dimensions(workload.model)
        if dimensions is None:
            raise CandidateFailed("the model has no 2-d or 3-d convolution")
        model = workload.copy_model()
        # nn.Module.to takes memory_format, but its published signatures leave it out
        model.to(memory_format=_memory_format(dimensions))  # type: ignore[call-overload]
        return proved(ChannelsLast(model, dimensions), workload.example)

    def script(self, config: Config) -> Script:
        """Return the same in plain Python."""
        body = (
            "flat = any(isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)) for module in model.modules())\n"
            "model = model.to(memory_format=torch.channels_last if flat else torch.channels_last_3d)\n"
            "model = ChannelsLast(model, 4 if flat else 5).eval()"
        )
        return Script(MAPPING_IMPORTS, body, (*MAPPING, listed(ChannelsLast)))


def _dimensions(model: nn.Module) -> int | None:
    """Return 4 when there are 2-d convolutions, 5 when there are only 3-d ones, None without either."""
    found = {module.weight.ndim for module in model.modules() if isinstance(module, _ConvNd)}
    return min(found & {4, 5}, default=None)


def _memory_format(dimensions: int) -> torch.memory_format:
    return torch.channels_last if dimensions == 4 else torch.channels_last_3d
