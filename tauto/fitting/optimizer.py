"""The optimizer of a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from torch import nn
from torch.optim import AdamW, Optimizer

from tauto.errors import InvalidArgument, ModelError, a_kind
from tauto.fitting.plan import Plan

__all__ = ["OptimizerFactory", "made_optimizer"]

OptimizerFactory: TypeAlias = Callable[[list[nn.Parameter]], Optimizer]
"""``optimizer(parameters)``; the learning rates of what it makes are the highest ones."""


def made_optimizer(factory: OptimizerFactory | None, parameters: list[nn.Parameter], plan: Plan) -> Optimizer:
    """Return what ``factory`` makes; without one AdamW, which leaves biases and scales undecayed.

    Raises
    ------
    InvalidArgument
        When the factory makes no optimizer.
    ModelError
        When it raises.
    """
    try:
        made = _default(parameters, plan) if factory is None else factory(parameters)
    except Exception as error:  # whatever the factory or the optimizer raises
        raise ModelError(
            f"optimizer: it does not take the model's parameters. Its own error: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(made, Optimizer):
        raise InvalidArgument(
            f"optimizer: it made {a_kind(made)}. Give a function of the parameters that returns a "
            "torch.optim.Optimizer, such as lambda parameters: torch.optim.SGD(parameters, lr=0.1)."
        )
    return made


def _default(parameters: list[nn.Parameter], plan: Plan) -> Optimizer:
    matrices = [each for each in parameters if each.ndim >= 2]
    others = [each for each in parameters if each.ndim < 2]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    return AdamW([group for group in groups if group["params"]], plan.learning_rate, weight_decay=plan.weight_decay)
