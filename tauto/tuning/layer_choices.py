"""Layers chosen for one by one: what there is to choose from, and the recipe of what was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tauto.errors import InvalidArgument, did_you_mean
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import SensitivityReport
from tauto.reports.choices import ChoicesReport, EngineOption, LayerChoice
from tauto.techniques import Applicability
from tauto.tuning.int8_layers import quantizes
from tauto.tuning.quantizable import QuantizableLayer, quantizable_layers
from tauto.workload import Workload

__all__ = ["engine_options", "recipe_of"]


@dataclass(frozen=True, slots=True)
class _Way:
    """An engine: how it computes chosen layers in int8, and all of them in float32."""

    name: str
    title: str
    int8: tuple[str, dict[str, Any]]
    plain: tuple[str, dict[str, Any]] | None = None
    mixes: bool = False
    """Whether single layers can be in bfloat16 beside it."""


_WAYS = (
    _Way("torch", "PyTorch", ("int8_dynamic", {}), mixes=True),
    _Way("compiled", "PyTorch, compiled", ("int8_static", {}), ("compile", {})),
    _Way("onnxruntime", "ONNX Runtime", ("onnxruntime", {"precision": "int8_static"}), ("onnxruntime", {})),
    _Way("openvino", "OpenVINO", ("openvino", {"precision": "int8"}), ("openvino", {})),
)
_BY_NAME = {way.name: way for way in _WAYS}
_CAST = (nn.Linear, nn.modules.conv._ConvNd, nn.Embedding)
_READERS = (nn.TransformerEncoderLayer, nn.MultiheadAttention)
"""They read the weights of what they hold by themselves, so that nothing may stand before it."""


def engine_options(workload: Workload, report: SensitivityReport, hardware: Hardware) -> tuple[EngineOption, ...]:
    """Return what can compute the layers of ``report`` here, the one that takes most of them in int8 first.

    What cannot be used here comes last, with the reason. The model is only read.
    """
    paths = {row.path for row in report.rows}
    layers = [layer for layer in quantizable_layers(workload.model)[0] if layer.path in paths]
    single = _castable(workload.model, layers)
    found = [_option(way, workload, hardware, layers, single, paths) for way in _WAYS]
    return tuple(sorted(found, key=lambda one: (bool(one.lacking), -len(one.int8))))


def _option(
    way: _Way,
    workload: Workload,
    hardware: Hardware,
    layers: list[QuantizableLayer],
    single: tuple[str, ...],
    paths: set[str],
) -> EngineOption:
    step = Recipe.of(way.int8).steps[0]
    chosen = quantizes(step)
    answers = (step.technique.missing(), step.technique.applies_to(workload, hardware))
    lacking = next(filter(None, map(_words, answers)), "")
    plain = [path for path, module in workload.model.named_modules() if type(module) is nn.Linear]
    return EngineOption(
        name=way.name,
        title=way.title,
        int8=tuple(layer.path for layer in layers if chosen(layer)) if not lacking else (),
        bfloat16=single if way.mixes else (),
        others=tuple(path for path in plain if path not in paths) if way.mixes else (),
        lacking="" if way.mixes else lacking,  # what it does besides int8 needs nothing
    )


def _words(answer: Applicability) -> str:
    return "" if answer.applies else f"{answer.reason}{f' ({answer.remedy})' if answer.remedy else ''}"


def _castable(model: nn.Module, layers: list[QuantizableLayer]) -> tuple[str, ...]:
    """Return the layers that can compute in another precision than what is around them."""
    fused = {id(part) for module in model.modules() if isinstance(module, _READERS) for part in module.modules()}
    return tuple(
        layer.path
        for layer in layers
        # a weight that others share would change its type under them
        if isinstance(layer.module, _CAST) and id(layer.module) not in fused and not layer.also
        if layer.weights[0].tensor.dtype == torch.float32
    )


def recipe_of(options: ChoicesReport, choices: Mapping[str, LayerChoice], engine: str) -> Recipe:
    """Return the recipe in which each layer becomes what was chosen for it, and stays as it is where nothing was.

    Parameters
    ----------
    options : ChoicesReport
        What there is to choose from.
    choices : mapping of str to LayerChoice
        By path.
    engine : str
        Name of one of ``options.engines``.

    Raises
    ------
    InvalidArgument
        When there is no such layer or engine, or the engine does not compute a layer in what was chosen.

    Examples
    --------
    >>> recipe_of(options, {"fc": LayerChoice("int8", 0.5)}, "torch").title  # doctest: +SKIP
    'prune_weights (50% of fc) → int8_dynamic (but for head)'
    """
    option = next((one for one in options.engines if one.name == engine), None)
    if option is None:
        raise InvalidArgument(f"engine: there is no {engine!r}. {did_you_mean(str(engine), _BY_NAME)}".rstrip())
    _check(options, choices, option)
    way = _BY_NAME[engine]
    int8, narrow = (_in(choices, precision) for precision in ("int8", "bfloat16"))
    zeros = sorted(f"{path}={one.sparsity:g}" for path, one in choices.items() if one.sparsity)
    steps: list[tuple[str, Mapping[str, Any]]] = []
    if zeros:
        steps.append(("prune_weights", {"spread": "named", "ratios": tuple(zeros)}))
    if int8:
        name, config = way.int8
        keep = tuple(path for path in (*option.int8, *option.others) if path not in {*int8, *narrow})
        steps.append((name, {**config, "keep": keep, **({"bfloat16": narrow} if narrow else {})}))
    elif narrow:
        steps.append(("bfloat16", {"layers": narrow} if narrow != ("",) else {}))
    elif way.plain is not None:
        steps.append(way.plain)
    return Recipe.of(*steps)


def _in(choices: Mapping[str, LayerChoice], precision: str) -> tuple[str, ...]:
    """Return the paths for which ``precision`` was chosen; in one order always, so that the recipe is the same."""
    return tuple(sorted(path for path, one in choices.items() if one.precision == precision))


def _check(options: ChoicesReport, choices: Mapping[str, LayerChoice], engine: EngineOption) -> None:
    if engine.lacking:
        raise InvalidArgument(f"engine: {engine.title} cannot be used here: {engine.lacking}.")
    known = {one.path: one for one in options.layers}
    offers = {"float32": tuple(known), "int8": engine.int8, "bfloat16": engine.bfloat16}
    for path, choice in choices.items():
        if path not in known:
            raise InvalidArgument(f"choices: there is no layer {path!r}. {did_you_mean(str(path), known)}".rstrip())
        if choice.precision not in offers:
            raise InvalidArgument(f"choices: {choice.precision!r} is none of {', '.join(offers)}.")
        if path not in offers[choice.precision]:
            raise InvalidArgument(
                f"choices: {engine.title} does not compute {path or 'the model'} ({known[path].kind}) in "
                f"{choice.precision}."
            )
        if not 0 <= choice.sparsity < 1:
            raise InvalidArgument(f"choices: {choice.sparsity!r} is no share of zeros. Write one from 0 to below 1.")
        if choice.sparsity and not known[path].zeros_noise:
            raise InvalidArgument(f"choices: weights of {path or 'the model'} ({known[path].kind}) are not pruned.")
