"""Weights in 8 or 4 bits, and arithmetic in floating point."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques.boundary import CastPrecision
from tauto.techniques.listing import MAPPING, MAPPING_IMPORTS, listed
from tauto.techniques.proof import proved, reduced
from tauto.techniques.quantization.keeping import bare, check_kept, linear_but
from tauto.techniques.quantization.quantized import linear_applies
from tauto.techniques.quiet import quiet
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Family, Script, Technique
from tauto.workload import Workload

__all__ = ["Float8", "Float8Config", "Int4Weights", "Int4WeightsConfig", "Int8Weights", "Int8WeightsConfig"]


@dataclass(frozen=True, slots=True)
class Int8WeightsConfig(Config):
    """How weights share scales, and what is left out.

    Parameters
    ----------
    group : {32, 64, 128} or None
        Weights of a row that share a scale; None for the whole row.
    keep : tuple of str
        Dotted names of modules that stay in floating point, with all that they hold.
    """

    group: Literal[32, 64, 128] | None = None
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Int4WeightsConfig(Config):
    """How weights share scales, and what is left out.

    Parameters
    ----------
    group : {32, 64, 128, 256}
        Weights of a row that share a scale; layers whose rows are no multiple of it stay as they are.
    keep : tuple of str
        Dotted names of modules that stay in floating point, with all that they hold.
    """

    group: Literal[32, 64, 128, 256] = 32
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Float8Config(Config):
    """What is left out.

    Parameters
    ----------
    keep : tuple of str
        Dotted names of modules that stay in bfloat16, with all that they hold.
    """

    keep: tuple[str, ...] = ()


class _Torchao(Technique):
    """Linear layers changed by torchao's ``quantize_``, the rest of the model cast to ``dtype`` where it needs that."""

    family: ClassVar[Family] = "quantization"
    comes_after = frozenset({"fusion", "layout"})
    cannot_be_with = frozenset({"quantization", "precision"})
    modules = ("torchao",)
    dtype: ClassVar[torch.dtype] = torch.float32
    tables: ClassVar[bool] = False
    """Whether embeddings are changed too."""

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs linear layers in float32, and kernels on this device."""
        on_device = self._on(hardware)
        return on_device if not on_device.applies else linear_applies(workload)

    def _on(self, hardware: Hardware) -> Applicability:
        return Applicability.yes()

    def apply(self, workload: Workload, config: Any, context: Context) -> nn.Module:
        """Return a copy whose linear layers, but for those kept, hold the narrower weights."""
        if not (here := self._on(context.hardware)).applies:
            raise CandidateFailed(here.reason)
        model = workload.copy_model()
        check_kept(model, config.keep)
        try:
            with quiet():
                self._quantize(bare(model).to(self.dtype), config)
        except CandidateFailed:
            raise
        except Exception as error:  # torchao raises what it likes, from AssertionError to RuntimeError
            raise CandidateFailed(f"torchao could not quantize it: {reduced(error)}") from error
        if self.dtype != torch.float32:
            model = CastPrecision(model, self.dtype)
        return proved(model, workload.example)

    @abstractmethod
    def _settings(self, config: Any) -> Any:
        """Return torchao's own configuration."""

    @abstractmethod
    def _words(self, config: Any) -> tuple[str, str]:
        """Return the names that the script imports from torchao, and its configuration as it is written there."""

    def _quantize(self, model: nn.Module, config: Any) -> None:
        from torchao.quantization import quantize_

        before = linear_weights(model)
        settings = self._settings(config)
        settings.set_inductor_config = False  # it would hold for the whole process
        tied = tied_weights(model) if self.tables else []
        keep = kept_with_tied(tied, model, config.keep)
        quantize_(model, settings, linear_but(model, keep, self.tables))
        tie_again(tied)
        if linear_weights(model) == before:
            raise CandidateFailed("torchao left every linear layer as it is: their shapes do not suit it")

    def script(self, config: Any) -> Script:
        """Return the same in plain Python."""
        names, settings = self._words(config)
        body = f"quantize_(bare(model), {settings}, linear_but(bare(model), {config.keep!r}))"
        imports = ("from torch import Tensor, nn", f"from torchao.quantization import {names}, quantize_")
        definitions: tuple[str, ...] = (listed(bare), listed(linear_but))
        if self.tables:
            definitions = (*definitions, listed(tied_weights), listed(kept_with_tied), listed(tie_again))
            body = (
                "tied = tied_weights(bare(model))\n"
                f"keep = kept_with_tied(tied, bare(model), {config.keep!r})\n"
                f"quantize_(bare(model), {settings}, linear_but(bare(model), keep, True))\n"
                "tie_again(tied)"
            )
        if self.dtype == torch.float32:
            return Script(imports, body, definitions)
        cast = f"model.to({self.dtype})\n{body}\nmodel = CastPrecision(model, {self.dtype}).eval()"
        return Script((*MAPPING_IMPORTS, *imports), cast, (*MAPPING, listed(CastPrecision), *definitions))


def tied_weights(model: nn.Module) -> list[list[nn.Module]]:
    """Return the linear layers and embeddings that share a weight: each gets one of its own when it is quantized."""
    layers = [module for module in model.modules() if isinstance(module, nn.Linear | nn.Embedding)]
    sharing: dict[int, list[nn.Module]] = {}
    for layer in layers:
        if "weight" in layer._parameters:
            sharing.setdefault(id(layer.weight), []).append(layer)
    return [group for group in sharing.values() if len(group) > 1]


def kept_with_tied(tied: list[list[nn.Module]], model: nn.Module, keep: Sequence[str]) -> list[str]:
    """Return ``keep`` with the layers that share a weight with one of these: in two forms it would take more room."""
    kept = {id(layer) for name in keep for layer in model.get_submodule(name).modules()}
    also = {id(layer) for group in tied if any(id(one) in kept for one in group) for layer in group}
    return [*keep, *(name for name, layer in model.named_modules() if id(layer) in also)]


def tie_again(tied: list[list[nn.Module]]) -> None:
    """Have the layers of each group share what the first holds now: of equal weights equal integers were made."""
    for first, *others in tied:
        for other in others:
            other.weight = first.weight


def linear_weights(model: nn.Module) -> list[str]:
    """Return the kind of the weights of each linear layer and embedding."""
    layers = [module for module in model.modules() if isinstance(module, nn.Linear | nn.Embedding)]
    return [type(module.weight.data).__name__ for module in layers]


@register
class Int8Weights(_Torchao):
    """Keep linear layers and embeddings in int8, and compute in float32: a quarter of the size, hardly ever faster.

    An embedding is widened whole at each call, as torchao does it: with a large vocabulary that takes its time.
    """

    name = "int8_weights"
    title = "linear layers and embeddings with int8 weights, computed in float32"
    config = Int8WeightsConfig
    tables = True

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Int8WeightsConfig, ...]:
        """One scale for each row."""
        return (Int8WeightsConfig(),)

    def _on(self, hardware: Hardware) -> Applicability:
        if hardware.device == "mps":
            return Applicability.no("torchao has no product with 8-bit weights for Apple's GPU")
        return Applicability.yes()

    def _settings(self, config: Int8WeightsConfig) -> Any:
        from torchao.quantization import Int8WeightOnlyConfig, PerGroup, PerRow

        return Int8WeightOnlyConfig(granularity=PerRow() if config.group is None else PerGroup(config.group))

    def _words(self, config: Int8WeightsConfig) -> tuple[str, str]:
        if config.group is None:
            return "Int8WeightOnlyConfig", "Int8WeightOnlyConfig()"
        return "Int8WeightOnlyConfig, PerGroup", f"Int8WeightOnlyConfig(granularity=PerGroup({config.group}))"


@register
class Int4Weights(_Torchao):
    """Keep the weights of linear layers in int4, and compute in bfloat16, on NVIDIA GPUs."""

    name = "int4_weights"
    title = "linear layers with int4 weights, computed in bfloat16"
    config = Int4WeightsConfig
    dtype = torch.bfloat16

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Int4WeightsConfig, ...]:
        """A scale for 32 weights first, then for 128."""
        return (Int4WeightsConfig(32), Int4WeightsConfig(128))

    def _on(self, hardware: Hardware) -> Applicability:
        if hardware.device == "cuda" and hardware.has("SM80"):
            return Applicability.yes()
        return Applicability.no(
            "torchao's kernels for int4 weights need an NVIDIA GPU of compute capability 8.0 or newer",
            "OpenVINO and ONNX Runtime have them for a CPU: engine='openvino' or engine='onnxruntime'",
        )

    def _settings(self, config: Int4WeightsConfig) -> Any:
        from torchao.quantization import Int4WeightOnlyConfig
        from torchao.quantization.quantize_.workflows import Int4PackingFormat

        return Int4WeightOnlyConfig(config.group, int4_packing_format=Int4PackingFormat.TILE_PACKED_TO_4D)

    def _words(self, config: Int4WeightsConfig) -> tuple[str, str]:
        return (
            "Int4WeightOnlyConfig",
            f"Int4WeightOnlyConfig({config.group}, int4_packing_format='tile_packed_to_4d')",
        )


@register
class Float8(_Torchao):
    """Multiply in float8 (e4m3) in linear layers and compute the rest in bfloat16, on NVIDIA GPUs that can."""

    name = "float8"
    title = "linear layers in float8, the rest in bfloat16"
    config = Float8Config
    dtype = torch.bfloat16

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Float8Config, ...]:
        """There is nothing to choose."""
        return (Float8Config(),)

    def _on(self, hardware: Hardware) -> Applicability:
        if hardware.device == "cuda" and hardware.has("SM89"):
            return Applicability.yes()
        return Applicability.no(
            "float8 matrix products need an NVIDIA GPU of compute capability 8.9 or newer",
            "int8 is what other devices have: method='dynamic' or method='static'",
        )

    def _settings(self, config: Float8Config) -> Any:
        from torchao.quantization import Float8DynamicActivationFloat8WeightConfig, PerRow

        return Float8DynamicActivationFloat8WeightConfig(granularity=PerRow())

    def _words(self, config: Float8Config) -> tuple[str, str]:
        settings = "Float8DynamicActivationFloat8WeightConfig(granularity=PerRow())"
        return "Float8DynamicActivationFloat8WeightConfig, PerRow", settings
