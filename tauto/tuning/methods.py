"""The ways to quantize, by method, bits and engine, and the recipes that they are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tauto.errors import InvalidArgument, did_you_mean
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import NotTried
from tauto.techniques import technique
from tauto.techniques.engines.onnxruntime import unsuited
from tauto.tuning.rules import expected_speedup
from tauto.tuning.space import Space, chosen_techniques, legal_space
from tauto.tuning.traits import traits_of
from tauto.workload import Workload

__all__ = ["BITS", "ENGINES", "GROUPS", "METHODS", "Way", "quantized_space", "ways"]

METHODS = ("auto", "dynamic", "static", "weight-only", "qat")
"""``dynamic``: inputs are quantized as they come; ``static``: by ranges from samples; ``weight-only``: not at all;
``qat``: static after training; ``auto``: what measures best."""
ENGINES = ("auto", "torch", "onnxruntime", "openvino")
BITS = (8, 4)
GROUPS = (32, 64, 128)

_HELPERS = ("fold_batchnorm", "compile")
_IN_WORDS = {"torch": "torch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}


@dataclass(frozen=True, slots=True)
class Way:
    """A configured technique that quantizes, and what a user calls it."""

    method: str
    bits: int
    engine: str
    technique: str
    config: dict[str, Any] = field(default_factory=dict)
    observers: tuple[str, ...] = ()
    """Other ways to tell ranges from samples."""


_WAYS = (
    Way("static", 8, "openvino", "openvino", {"precision": "int8"}, ("histogram", "quantile", "average", "minmax")),
    Way("static", 8, "onnxruntime", "onnxruntime", {"precision": "int8_static"}, ("entropy", "percentile", "average")),
    Way("static", 8, "torch", "int8_static", observers=("minmax", "average")),
    Way("dynamic", 8, "torch", "int8_dynamic"),
    Way("dynamic", 8, "onnxruntime", "onnxruntime", {"precision": "int8_dynamic"}),
    Way("weight-only", 8, "openvino", "openvino", {"precision": "int8_weights"}),
    Way("weight-only", 8, "onnxruntime", "onnxruntime", {"precision": "int8_weights"}),
    Way("weight-only", 8, "torch", "int8_weights"),
    Way("weight-only", 4, "openvino", "openvino", {"precision": "int4_weights"}),
    Way("weight-only", 4, "onnxruntime", "onnxruntime", {"precision": "int4_weights"}),
    Way("weight-only", 4, "torch", "int4_weights"),
    Way("float8", 8, "torch", "float8"),
)
TECHNIQUES = tuple(dict.fromkeys(way.technique for way in _WAYS))
"""Techniques that may be asked for by name, as a method."""


def ways(
    method: str = "auto", bits: int | None = None, engine: str = "auto", group: int | None = None
) -> tuple[Way, ...]:
    """Return the ways that are meant.

    Parameters
    ----------
    method : str
        One of :data:`METHODS`, or the name of a technique.
    bits : {8, 4} or None
        Of the weights; None is 8, or what the technique has.
    engine : str
        One of :data:`ENGINES`.
    group : {32, 64, 128} or None
        Weights of a row that share a scale, where weights alone are quantized; None is what each way has.

    Raises
    ------
    InvalidArgument
        When one of them is unknown, or nothing does all of them; the message says what there is.

    Examples
    --------
    >>> [way.technique for way in ways("weight-only", 4)]
    ['openvino', 'onnxruntime', 'int4_weights']
    """
    for argument, value, known in (("method", method, (*METHODS, *TECHNIQUES)), ("engine", engine, ENGINES)):
        if value not in known:
            raise InvalidArgument(f"{argument}: there is no {value!r}. {did_you_mean(str(value), known)}".rstrip())
    if bits is not None and (isinstance(bits, bool) or bits not in BITS):
        raise InvalidArgument(f"bits: {bits!r} is no number of bits that there is. Write 8 or 4.")
    named = [way for way in _WAYS if method in (way.technique, way.method)]
    if method in ("auto", "qat") or (method in TECHNIQUES and len(named) > 1):
        # weights alone are narrow only where that is asked for: they are seldom faster
        kinds = ("weight-only",) if bits == 4 else ("static",) if method == "qat" else ("static", "dynamic")
        named = [way for way in _WAYS if way.method in kinds and method in ("auto", "qat", way.technique)]
    found = [
        way
        for way in named
        if engine in ("auto", way.engine) and way.bits == (bits or (8 if any(each.bits == 8 for each in named) else 4))
    ]
    if not found:
        raise InvalidArgument(_none_such(method, bits, engine, named))
    return tuple(found) if group is None else _grouped(found, method, group)


def _grouped(found: Sequence[Way], method: str, group: int) -> tuple[Way, ...]:
    if isinstance(group, bool) or group not in GROUPS:
        raise InvalidArgument(f"group: {group!r} is no number of weights that share a scale. Write 32, 64 or 128.")
    if method == "qat" or not any(way.method == "weight-only" for way in found):
        raise InvalidArgument("group: only weights alone share scales in groups. Write method='weight-only'.")
    # OpenVINO's 8 bits have a scale for each row
    able = [way for way in found if (way.bits, way.engine) != (8, "openvino")]
    if not able:
        raise InvalidArgument("group: in 8 bits OpenVINO has a scale for each row. Write bits=4, or leave it out.")
    return tuple(replace(way, config={**way.config, "group": group}) for way in able)


def _none_such(method: str, bits: int | None, engine: str, named: Sequence[Way]) -> str:
    if bits == 4 and not any(way.bits == 4 for way in named):
        return f"bits: {method!r} has 8 bits; 4 are for weights alone. Write method='weight-only', or bits=8."
    if bits == 8 and not any(way.bits == 8 for way in named):
        return f"bits: {method!r} has 4 bits. Leave bits out, or write 4."
    others = " or ".join(repr(name) for name in dict.fromkeys(way.engine for way in named))
    does = ", ".join(
        dict.fromkeys(
            f"{way.method} ({way.bits} bits)" for way in _WAYS if way.engine == engine and way.method != "float8"
        )
    )
    return f"engine: {_IN_WORDS[engine]} has no {method!r}; it has {does}. Write engine={others}, or leave it out."


def quantized_space(
    workload: Workload, hardware: Hardware, chosen: Sequence[Way], *, trained: dict[str, Any] | None, observers: bool
) -> Space:
    """Return the recipes of these ways, most promising first, and what will not be tried, with the reason.

    Parameters
    ----------
    workload : Workload
        What is quantized.
    hardware : Hardware
        What it runs on.
    chosen : sequence of Way
        From :func:`ways`.
    trained : dict or None
        The configuration of ``qat`` that stands before each, where it is wanted.
    observers : bool
        Whether other ways to tell ranges are tried as well.
    """
    groups, not_tried = [], []
    for way in chosen:
        item, config = technique(way.technique), technique(way.technique).config(**way.config)
        reason = unsuited(workload.model, way.config["precision"]) if way.technique == "onnxruntime" else ""
        for answer in (item.missing(), item.applies_to(workload, hardware)):
            if not answer.applies:
                not_tried.append(NotTried(way.technique, answer.reason, answer.remedy))
                break
        else:
            if reason:
                not_tried.append(NotTried(item.describe(config), reason, ""))
            else:
                groups.append(list(_recipes(workload, hardware, way, observers)))
    before = [("qat", trained)] if trained is not None else []
    traits, batch = traits_of(workload), workload.example.batch
    groups.sort(key=lambda group: -math.prod(expected_speedup(group[0], traits, hardware, batch)))
    # kinds before variations of one kind
    in_turn = (recipe for round_ in itertools.zip_longest(*groups) for recipe in round_ if recipe is not None)
    recipes = tuple(Recipe.of(*before, *((step.name, step.config) for step in recipe.steps)) for recipe in in_turn)
    return Space(recipes, tuple(dict.fromkeys(not_tried)))


def _configured(recipe: Recipe, way: Way) -> Recipe:
    """Return ``recipe`` with what the way says of its technique."""
    steps = ((step.name, step.config) for step in recipe.steps)
    return Recipe.of(
        *((name, replace(config, **way.config) if name == way.technique else config) for name, config in steps)
    )


def _recipes(workload: Workload, hardware: Hardware, way: Way, observers: bool) -> Iterator[Recipe]:
    if technique(way.technique).family != "engine":
        # what is quantized in torch may be folded and compiled as well; the space says what is legal
        space = legal_space(workload, hardware, chosen_techniques(only=(way.technique, *_HELPERS)))
        suited = [recipe for recipe in space.recipes if any(step.name == way.technique for step in recipe.steps)]
        yield from dict.fromkeys(_configured(recipe, way) for recipe in suited)
        return
    for observer in (None, *(way.observers if observers else ())):
        yield Recipe.of((way.technique, {**way.config, **({"observer": observer} if observer else {})}))
