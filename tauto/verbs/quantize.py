"""Make a model's arithmetic int8, if that is faster or smaller here and the quality holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from torch import nn

from tauto.config import Drop, parse_duration
from tauto.errors import InvalidArgument, did_you_mean
from tauto.hardware import Hardware
from tauto.recipes import Step
from tauto.reports import SensitivityReport
from tauto.results import SensitivityResult, TuningResult
from tauto.tuning import Budget, Goal, Plan, Space, chosen_techniques, legal_space, tune
from tauto.tuning.quality_control import controlled
from tauto.verbs.delivery import deliver_tuned
from tauto.verbs.sensitivity import ranking
from tauto.workload import Workload

__all__ = ["METHODS", "quantize"]

METHODS = ("auto", "int8_dynamic", "onnxruntime", "openvino")
"""Ways to quantize: torchao dynamic, ONNX Runtime dynamic, OpenVINO by NNCF; ``auto`` tries them all."""

_OBJECTIVES = ("latency", "size")


def quantize(
    model: nn.Module,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop = "1%",
    metric: str | None = None,
    higher_is_better: bool = True,
    method: str = "auto",
    objective: Literal["latency", "size"] = "latency",
    sensitivity: SensitivityResult | SensitivityReport | None = None,
    budget: str | float = "3min",
    isolated: bool = False,
    factory: Callable[[], nn.Module] | None = None,
    name: str | None = None,
) -> TuningResult:
    """Quantize ``model`` to int8 by the method that measures best here and keeps the quality.

    Parameters
    ----------
    model, inputs, data, evaluate, max_drop, metric, higher_is_better, factory, name
        As in :meth:`tauto.Workload.of`; the model stays as it is, bit for bit.
    method : str
        One of :data:`METHODS`.
    objective : {"latency", "size"}
        With ``"latency"`` a model that is as fast and clearly smaller is an improvement too.
    sensitivity : SensitivityResult or SensitivityReport, optional
        From :func:`tauto.sensitivity`, for the order in which layers go back to floating point where all of them in
        int8 lose too much. Default: the layers are ranked when that is so.
    budget, isolated
        As in :func:`tauto.autotune`.

    Returns
    -------
    TuningResult
        ``"infeasible"`` when every faster int8 model lost too much quality; ``reason`` then names the nearest miss.

    Examples
    --------
    >>> small = tauto.quantize(model, data=loader, evaluate=accuracy).model  # doctest: +SKIP
    """
    for argument, value, known in (("method", method, METHODS), ("objective", objective, _OBJECTIVES)):
        if value not in known:
            raise InvalidArgument(f"{argument}: there is no {value!r}. {did_you_mean(str(value), known)}".rstrip())
    ranked = ranking(sensitivity, model)
    clock = Budget(parse_duration(budget))
    workload = Workload.of(
        model,
        inputs=inputs,
        data=data,
        evaluate=evaluate,
        max_drop=max_drop,
        metric=metric,
        higher_is_better=higher_is_better,
        factory=factory,
        name=name,
    )
    hardware = Hardware.current(workload.device.type)
    goal = Goal(objective, or_smaller=objective == "latency")

    def space() -> Space:
        return controlled(_int8_space(workload, hardware, method), workload, hardware, goal, clock, ranked)

    plan = Plan("quantize", space, clock, goal, required=True, isolated=isolated)
    return deliver_tuned(tune(workload, plan, hardware))


def _int8_space(workload: Workload, hardware: Hardware, method: str) -> Space:
    methods = METHODS[1:] if method == "auto" else (method,)
    # a quantized model may be folded or compiled as well; the space says what is legal
    helpers = ("fold_batchnorm", "compile") if "int8_dynamic" in methods else ()
    space = legal_space(workload, hardware, chosen_techniques(only=(*methods, *helpers)))
    int8 = tuple(recipe for recipe in space.recipes if any(map(_is_int8, recipe.steps)))
    return Space(int8, tuple(item for item in space.not_tried if item.technique in methods))


def _is_int8(step: Step) -> bool:
    return step.name == "int8_dynamic" or getattr(step.config, "precision", "").startswith("int8")
