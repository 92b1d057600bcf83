"""What can be turned of how a model runs: sizes of its inputs, engine, precision, threads, channels cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tauto.config.scale import parse_scale
from tauto.errors import InvalidArgument, RecipeError, did_you_mean
from tauto.hardware import Hardware
from tauto.profiling.scaling_inputs import places_of, resized
from tauto.recipes import Recipe
from tauto.reports import ExplorationKnob
from tauto.reports.exploration import KnobValue
from tauto.techniques import Applicability, technique
from tauto.workload import Workload
from tauto.workload.call import Call

__all__ = ["SIZES", "checked", "knobs_of", "recipe_of", "resized_workload"]

SIZES = ("batch", "size", "seq")
_BATCHES = (1, 2, 4, 8, 16, 32, 64)
_SPARSITIES = (0.0, 0.25, 0.5, 0.75)
_ENGINES = {"eager": "", "compile": "compile", "openvino": "openvino", "onnxruntime": "onnxruntime"}
_STEPS: dict[tuple[str, str], tuple[tuple[str, dict[str, Any]], ...]] = {
    ("eager", "float32"): (),
    ("eager", "bfloat16"): (("bfloat16", {}),),
    ("eager", "int8"): (("int8_dynamic", {}),),
    ("compile", "float32"): (("compile", {}),),
    ("compile", "bfloat16"): (("bfloat16", {}), ("compile", {})),
    ("compile", "int8"): (("int8_static", {}),),
    ("openvino", "float32"): (("openvino", {"precision": "float32"}),),
    ("openvino", "bfloat16"): (("openvino", {"precision": "bfloat16"}),),
    ("openvino", "int8"): (("openvino", {"precision": "int8"}),),
    ("onnxruntime", "float32"): (("onnxruntime", {"precision": "float32"}),),
    ("onnxruntime", "int8"): (("onnxruntime", {"precision": "int8_static"}),),
}


def knobs_of(workload: Workload, hardware: Hardware) -> tuple[ExplorationKnob, ...]:
    """Return what can be turned of ``workload`` here, with the reason for what cannot."""
    knobs = [knob for name in SIZES if (knob := _size_knob(name, workload)) is not None]
    refused = {
        name: why for name, needed in _ENGINES.items() if needed and (why := _refusal(needed, workload, hardware))
    }
    low = {"bfloat16": _refusal("bfloat16", workload, hardware)}
    knobs += [
        ExplorationKnob("engine", "Engine", tuple(_ENGINES), "eager", refused),
        ExplorationKnob(
            "precision",
            "Precision",
            ("float32", "bfloat16", "int8"),
            "float32",
            {k: why for k, why in low.items() if why},
        ),
    ]
    if (cores := hardware.cores) > 1:
        counts = sorted({1, *(count for count in (2, 4, 8, 16) if count < cores), cores})
        knobs.append(ExplorationKnob("threads", "Threads", tuple(counts), cores))
    cut = _refusal("prune", workload, hardware)
    shares = {f"{share:g}": cut for share in _SPARSITIES if share and cut}
    knobs.append(ExplorationKnob("sparsity", "Channels cut", _SPARSITIES, 0.0, shares))
    return tuple(knobs)


def _size_knob(name: str, workload: Workload) -> ExplorationKnob | None:
    """Return the knob of one size of the inputs; None where they have no such dimension, or it is an image's."""
    call = workload.example
    images = any(tensor.ndim == 4 for tensor in call.tensors)
    texts = any(tensor.ndim == 2 and not tensor.is_floating_point() for tensor in call.tensors)
    if (name == "size" and not images) or (name == "seq" and not texts):
        return None
    try:
        places = places_of(parse_scale(f"{name}=1..2"), call, workload.model)
    except InvalidArgument:
        return None
    given = _given(call, places.by_tensor)
    if name == "batch":
        values = sorted({*_BATCHES, given})
    else:
        values = sorted({max(given // 2, 1), given, given * 3 // 2, given * 2})
    label = {"batch": "Batch", "size": "Image size", "seq": "Sequence length"}[name]
    return ExplorationKnob(name, label, tuple(values), given)


def _given(call: Call, by_tensor: tuple[tuple[int, ...], ...]) -> int:
    sizes = (tensor.shape[index] for tensor, places in zip(call.tensors, by_tensor, strict=True) for index in places)
    return next(sizes)


def _refusal(name: str, workload: Workload, hardware: Hardware) -> str:
    """Return why a technique cannot be used, in a sentence; empty where it can."""
    found = technique(name)
    for answer in (found.missing(), found.applies_to(workload, hardware)):
        if not answer.applies:
            return _sentence(answer)
    return ""


def _sentence(answer: Applicability) -> str:
    return f"{answer.reason}. {answer.remedy}".rstrip(". ") + "."


def checked(knobs: tuple[ExplorationKnob, ...], turned: Mapping[str, Any]) -> dict[str, KnobValue]:
    """Return a value for each knob: as it was turned, else as it is given.

    Raises
    ------
    InvalidArgument
        When there is no such knob, or it has no such value.
    """
    setting: dict[str, KnobValue] = {knob.name: knob.given for knob in knobs}
    for name, value in turned.items():
        knob = next((one for one in knobs if one.name == name), None)
        if knob is None:
            raise InvalidArgument(f"{name}: there is no such knob here. {did_you_mean(name, setting)}".rstrip())
        free = name in SIZES and isinstance(value, int) and not isinstance(value, bool) and value >= 1
        if isinstance(value, bool) or (value not in knob.values and not free):
            known = ", ".join(map(str, knob.values))
            raise InvalidArgument(f"{name}: {value!r} is not one of its values. There is: {known}.")
        setting[name] = value
    return setting


def recipe_of(knobs: tuple[ExplorationKnob, ...], setting: Mapping[str, KnobValue]) -> Recipe:
    """Return the recipe of a setting.

    Raises
    ------
    RecipeError
        When its values cannot be had together or not here; the message says which and why.
    """
    for knob in knobs:
        if why := knob.refused.get(_written(setting[knob.name])):
            raise RecipeError(f"{knob.label.lower()} {_written(setting[knob.name])}: {why}")
    pair = (str(setting["engine"]), str(setting["precision"]))
    if pair not in _STEPS:
        raise RecipeError(f"{pair[0]} has no {pair[1]} here.")
    steps: list[tuple[str, dict[str, Any]]] = []
    if share := setting["sparsity"]:
        steps.append(("prune", {"sparsity": share}))
    steps += _STEPS[pair]
    given = next((knob.given for knob in knobs if knob.name == "threads"), None)
    if given is not None and setting["threads"] != given:
        steps.append(("threads", {"count": setting["threads"]}))
    return Recipe.of(*steps)


def _written(value: KnobValue) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def resized_workload(workload: Workload, setting: Mapping[str, KnobValue]) -> Workload:
    """Return ``workload`` with inputs of the sizes that the setting says; the same where these are as given."""
    call = workload.example
    for name in SIZES:
        if name in setting:
            places = places_of(parse_scale(f"{name}={setting[name]}"), call, workload.model)
            if _given(call, places.by_tensor) != setting[name]:
                call = resized(call, places, int(setting[name]))
    return workload if call is workload.example else replace(workload, example=call, samples=(call,))
