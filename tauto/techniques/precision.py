"""Computing in 16-bit floating point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import nn

from tauto.errors import CandidateFailed, InvalidArgument
from tauto.hardware import Hardware
from tauto.techniques.boundary import Autocast, CastPrecision, cast_layers
from tauto.techniques.listing import MAPPING, MAPPING_IMPORTS, listed
from tauto.techniques.proof import proved
from tauto.techniques.quantization.keeping import bare, check_kept
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Script, Technique
from tauto.workload import Workload

__all__ = ["BFloat16", "Float16", "PrecisionConfig"]


@dataclass(frozen=True, slots=True)
class PrecisionConfig(Config):
    """How the lower precision is brought in.

    Parameters
    ----------
    mode : {"cast", "autocast"}
        ``"cast"`` stores the weights in it; ``"autocast"`` keeps them in float32 and converts for each operator
        that gains by it.
    layers : tuple of str
        Dotted names of the modules that alone compute in it, with all that they hold; empty is the whole model.
    """

    mode: Literal["cast", "autocast"] = "cast"
    layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.layers and self.mode != "cast":
            raise InvalidArgument("layers: single layers are cast. Write mode='cast', or leave layers out.")


class _Precision(Technique):
    family = "precision"
    config = PrecisionConfig
    comes_after = frozenset({"fusion", "layout"})
    cannot_be_with = frozenset({"precision"})
    dtype: ClassVar[torch.dtype]

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs a model in float32, and a device that computes in the precision."""
        others = {tensor.dtype for tensor in workload.model.parameters() if tensor.dtype != torch.float32}
        if others:
            names = " and ".join(sorted(str(dtype).removeprefix("torch.") for dtype in others))
            return Applicability.no(f"the model has {names} weights, and only a float32 model is lowered")
        return self._on(hardware)

    def _on(self, hardware: Hardware) -> Applicability:
        return Applicability.yes()

    def space(self, workload: Workload, hardware: Hardware) -> tuple[PrecisionConfig, ...]:
        """Casting first: it converts once, not at every call."""
        return (PrecisionConfig("cast"), PrecisionConfig("autocast"))

    def apply(self, workload: Workload, config: PrecisionConfig, context: Context) -> nn.Module:
        """Return a copy that computes in the precision, called with and answering in float32."""
        model = workload.copy_model()
        if any(tensor.dtype != torch.float32 for tensor in model.parameters()):
            raise CandidateFailed("only a float32 model is lowered")
        if config.mode == "autocast":
            return proved(Autocast(model, self.dtype, workload.device.type), workload.example)
        if config.layers:
            check_kept(model, config.layers, "layers")
            cast_layers(bare(model), config.layers, self.dtype)
            return proved(model, workload.example)
        return proved(CastPrecision(model.to(self.dtype), self.dtype), workload.example)

    def script(self, config: PrecisionConfig) -> Script:
        """Return the same in plain Python."""
        if config.mode == "autocast":
            body = f"model = Autocast(model, {self.dtype}, next(model.parameters()).device.type).eval()"
            return Script(MAPPING_IMPORTS, body, (*MAPPING, listed(Autocast)))
        if config.layers:
            body = f"cast_layers(bare(model), {config.layers!r}, {self.dtype})"
            return Script(MAPPING_IMPORTS, body, (*MAPPING, *map(listed, (CastPrecision, cast_layers, bare))))
        body = f"model = CastPrecision(model.to({self.dtype}), {self.dtype}).eval()"
        return Script(MAPPING_IMPORTS, body, (*MAPPING, listed(CastPrecision)))


@register
class BFloat16(_Precision):
    """Compute in bfloat16: float32's range with 8 bits of precision.

    It applies everywhere: where the hardware has no arithmetic for it the kernels convert, and the measurement
    tells what that costs.
    """

    name = "bfloat16"
    title = "computing in bfloat16"
    dtype = torch.bfloat16


@register
class Float16(_Precision):
    """Compute in float16: 11 bits of precision, and a range that ends at 65,504."""

    name = "float16"
    title = "computing in float16"
    dtype = torch.float16

    def _on(self, hardware: Hardware) -> Applicability:
        if hardware.device != "cpu" or hardware.has("NEON") or torch.ops.mkldnn._is_mkldnn_fp16_supported():
            return Applicability.yes()
        return Applicability.no(
            "this CPU has no float16 arithmetic (AVX512-FP16 or AMX-FP16), so every operator would convert to "
            "float32 and back",
            "bfloat16 has float32's range and is supported by more CPUs",
        )
