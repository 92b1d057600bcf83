"""Weights and activations in 8-bit integers."""

from __future__ import annotations

import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques.proof import proved, reduced
from tauto.techniques.quiet import quiet
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Script, Technique
from tauto.workload import Workload

__all__ = ["Int8Dynamic"]


@register
class Int8Dynamic(Technique):
    """Quantize linear layers: weights by output channel once, activations by row at every call (torchao).

    A CPU without VNNI adds pairs of 8-bit products in 16 bits, which can overflow; there one bit less is used.
    """

    name = "int8_dynamic"
    title = "int8 linear layers, activations quantized as they come"
    family = "quantization"
    comes_after = frozenset({"fusion", "layout"})
    cannot_be_with = frozenset({"quantization", "precision"})
    modules = ("torchao",)

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs linear layers in float32."""
        if hardware.device == "mps":
            return Applicability.no("torchao has no 8-bit matrix product for Apple's GPU")
        layers = [module for module in workload.model.modules() if type(module) is nn.Linear]
        if not layers:
            return Applicability.no("the model has no plain linear layer, and only those are quantized")
        if not any(layer.weight.dtype == torch.float32 for layer in layers):
            return Applicability.no("its linear layers are not in float32")
        return Applicability.yes()

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """There is nothing to choose."""
        return (Config(),)

    def apply(self, workload: Workload, config: Config, context: Context) -> nn.Module:
        """Return a copy whose linear layers hold int8 weights."""
        model = workload.copy_model()
        try:
            with quiet():
                _quantize(model, workload.device)
        except Exception as error:  # torchao raises what it likes, from AssertionError to RuntimeError
            raise CandidateFailed(f"torchao could not quantize it: {reduced(error)}") from error
        return proved(model, workload.example)

    def script(self, config: Config) -> Script:
        """Return the same in plain Python."""
        imports = (
            "from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_",
            "from torchao.utils import should_reduce_range",
        )
        body = (
            "reduce_range = should_reduce_range(next(model.parameters()).device)\n"
            "quantize_(model, Int8DynamicActivationInt8WeightConfig(reduce_range=reduce_range))"
        )
        return Script(imports, body)


def _quantize(model: nn.Module, device: torch.device) -> None:
    # imported here: it takes seconds
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_
    from torchao.utils import should_reduce_range

    # set_inductor_config would change the compiler's settings for the whole process
    settings = Int8DynamicActivationInt8WeightConfig(
        set_inductor_config=False, reduce_range=should_reduce_range(device)
    )
    quantize_(model, settings)
