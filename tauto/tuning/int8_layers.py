"""Which layers a configured technique quantizes, and how, as far as structure tells."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from torch import nn

from tauto.recipes import Recipe, Step
from tauto.techniques import Config
from tauto.tuning.fake_quantization import Scheme
from tauto.tuning.quantizable import QuantizableLayer

__all__ = ["keeps_layers", "kept_by", "quantizes", "quantizing_step", "scheme_of", "with_kept"]

_NARROW_TABLES = ("openvino", "onnxruntime", "int8_weights")
_TORCHAO_STATIC = (nn.Linear, nn.Conv2d, nn.MultiheadAttention)
_INTEGERS = re.compile(r"(?<![a-z])(int[48]|float8|fp8)")


def quantizing_step(recipe: Recipe) -> Step | None:
    """Return the step of ``recipe`` that quantizes; None when there is none."""
    return next((step for step in recipe.steps if _INTEGERS.search(_words(step))), None)


def _words(step: Step) -> str:
    values = (getattr(step.config, name) for name in step.config.__dataclass_fields__ if name != "keep")
    return " ".join([step.name, *(value for value in values if isinstance(value, str))])


def keeps_layers(step: Step) -> bool:
    """Return whether the step can be told to leave layers as they are."""
    return "keep" in step.config.__dataclass_fields__


def kept_by(recipe: Recipe) -> tuple[str, ...]:
    """Return the layers that ``recipe`` leaves in floating point by name."""
    step = quantizing_step(recipe)
    return tuple(getattr(step.config, "keep", ())) if step is not None else ()


def with_kept(recipe: Recipe, keep: tuple[str, ...]) -> Recipe:
    """Return ``recipe`` with these layers left in floating point."""

    def changed(step: Step) -> Config:
        # training for quantization rounds the same layers as what quantizes after it
        return dataclasses.replace(step.config, keep=keep) if keeps_layers(step) else step.config  # type: ignore[call-arg]

    return Recipe.of(*((step.name, changed(step)) for step in recipe.steps))


def scheme_of(step: Step) -> Scheme:
    """Return how ``step`` writes numbers."""
    words = _words(step)
    bits = 4 if "int4" in words else 8
    if "weight" in words:
        return Scheme(bits, "none")
    return Scheme(bits, "dynamic" if "dynamic" in words else "static")


def quantizes(step: Step) -> Callable[[QuantizableLayer], bool]:
    """Return whether ``step`` quantizes a layer: only what it surely leaves alone is left out."""
    scheme, engine = scheme_of(step), step.technique.family == "engine"
    tables = step.name in _NARROW_TABLES
    # NNCF's compression of weights takes all of them
    everything = step.name == "openvino" and scheme.activations == "none"

    def chosen(layer: QuantizableLayer) -> bool:
        if isinstance(layer.module, nn.Embedding):
            return tables
        if everything or isinstance(layer.module, nn.EmbeddingBag):
            return everything
        if step.name == "int8_static":  # torchao's quantizer for the compiler knows these kinds alone
            return isinstance(layer.module, _TORCHAO_STATIC)
        if scheme.activations == "static" or isinstance(layer.module, nn.Linear):
            return True
        # products of matrices alone have dynamic kernels, and torchao sees plain linear layers only
        return engine and not isinstance(layer.module, nn.modules.conv._ConvNd)

    return chosen
