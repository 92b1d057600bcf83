"""A model at several sizes of its inputs: what ``tauto.profile(…, scale=…)`` does."""

from __future__ import annotations

from typing import Any

from torch import nn

from tauto.config import parse_duration
from tauto.config.scale import Scale, parse_scale
from tauto.errors import InvalidArgument
from tauto.profiling.scaling import measure_scaling
from tauto.results import ScalingResult
from tauto.verbs.compare import check_call
from tauto.verbs.delivery import deliver
from tauto.workload import Workload

__all__ = ["scaling_of"]


def scaling_of(
    model: nn.Module | None, inputs: Any, scale: str | Scale, budget: str | float = "60s", name: str | None = None
) -> ScalingResult:
    """Return how time, memory and work grow with the size of an input; see :func:`tauto.profile`.

    Raises
    ------
    InvalidArgument, ModelError
        One clear line: no model is given, the scale does not parse, no input has the dimension, the model refuses
        every size.
    """
    if model is None:
        raise InvalidArgument("scale: it belongs to a model. Write tauto.profile(model, inputs, scale='batch=1..64').")
    wanted, seconds = parse_scale(scale), parse_duration(budget)
    workload = Workload.of(model, inputs=inputs, name=name)
    if wanted.name != "tokens":  # what a model generates from need not be what it is called with
        check_call(model, workload, "inputs")
    return deliver(ScalingResult(measure_scaling(workload, wanted, seconds)))
