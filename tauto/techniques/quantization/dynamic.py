"""Weights and activations in 8-bit integers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques.boundary import CastPrecision, cast_layers
from tauto.techniques.listing import MAPPING, MAPPING_IMPORTS, listed
from tauto.techniques.proof import proved, reduced
from tauto.techniques.quantization.keeping import bare, check_kept, linear_but
from tauto.techniques.quantization.quantized import linear_applies
from tauto.techniques.quiet import quiet
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Script, Technique
from tauto.workload import Workload

__all__ = ["Int8Dynamic", "Int8DynamicConfig"]


@dataclass(frozen=True, slots=True)
class Int8DynamicConfig(Config):
    """What is left out.

    Parameters
    ----------
    keep : tuple of str
        Dotted names of modules that stay in floating point, with all that they hold.
    bfloat16 : tuple of str
        Dotted names of modules that compute in bfloat16, with all that they hold; linear layers or others.
    """

    keep: tuple[str, ...] = ()
    bfloat16: tuple[str, ...] = ()


@register
class Int8Dynamic(Technique):
    """Quantize linear layers: weights by output channel once, activations by row at every call (torchao).

    A CPU without VNNI adds pairs of 8-bit products in 16 bits, which can overflow; there one bit less is used.
    """

    name = "int8_dynamic"
    title = "int8 linear layers, activations quantized as they come"
    family = "quantization"
    config = Int8DynamicConfig
    comes_after = frozenset({"fusion", "layout"})
    cannot_be_with = frozenset({"quantization", "precision"})
    modules = ("torchao",)

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs linear layers in float32."""
        if hardware.device == "mps":
            return Applicability.no("torchao has no 8-bit matrix product for Apple's GPU")
        return linear_applies(workload)

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """There is nothing to choose."""
        return (Int8DynamicConfig(),)

    def apply(self, workload: Workload, config: Int8DynamicConfig, context: Context) -> nn.Module:
        """Return a copy whose linear layers, but for those kept, hold int8 weights."""
        model = workload.copy_model()
        check_kept(model, config.keep)
        check_kept(model, config.bfloat16, "bfloat16")
        try:
            with quiet():
                _quantize(bare(model), workload.device, (*config.keep, *config.bfloat16))
        except Exception as error:  # torchao raises what it likes, from AssertionError to RuntimeError
            raise CandidateFailed(f"torchao could not quantize it: {reduced(error)}") from error
        cast_layers(bare(model), config.bfloat16, torch.bfloat16)
        return proved(model, workload.example)

    def script(self, config: Int8DynamicConfig) -> Script:
        """Return the same in plain Python."""
        imports: tuple[str, ...] = (
            "from torch import Tensor, nn",
            "from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_",
            "from torchao.utils import should_reduce_range",
        )
        body = (
            "reduce_range = should_reduce_range(next(model.parameters()).device)\n"
            "settings = Int8DynamicActivationInt8WeightConfig(reduce_range=reduce_range)\n"
            f"quantize_(bare(model), settings, linear_but(bare(model), {(*config.keep, *config.bfloat16)!r}))"
        )
        definitions: tuple[str, ...] = (listed(bare), listed(linear_but))
        if config.bfloat16:
            imports += MAPPING_IMPORTS
            body += f"\ncast_layers(bare(model), {config.bfloat16!r}, torch.bfloat16)"
            definitions += (*MAPPING, listed(CastPrecision), listed(cast_layers))
        return Script(imports, body, definitions)


def _quantize(model: nn.Module, device: torch.device, keep: tuple[str, ...]) -> None:
    # imported here: it takes seconds
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_
    from torchao.utils import should_reduce_range

    # set_inductor_config would change the compiler's settings for the whole process
    settings = Int8DynamicActivationInt8WeightConfig(
        set_inductor_config=False, reduce_range=should_reduce_range(device)
    )
    quantize_(model, settings, linear_but(model, keep))
