"""Choose and order techniques by measuring."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from torch import nn

from tauto.config import Drop, parse_duration
from tauto.errors import InvalidArgument
from tauto.hardware import Hardware
from tauto.results import TuningResult
from tauto.tuning import Budget, Plan, chosen_techniques, legal_space, tune
from tauto.verbs.delivery import deliver_tuned
from tauto.workload import Workload, seen
from tauto.workload.training import FineTune, Loss

__all__ = ["autotune"]


def autotune(
    model: nn.Module | None = None,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop = "1%",
    metric: str | None = None,
    higher_is_better: bool = True,
    budget: str | float = "5min",
    only: Collection[str] = (),
    without: Collection[str] = (),
    loss: Loss | None = None,
    finetune: FineTune | None = None,
    isolated: bool = False,
    factory: Callable[[], nn.Module] | None = None,
    name: str | None = None,
) -> TuningResult:
    """Find the fastest way to run ``model`` here that keeps its quality, or say that it is the original.

    Each candidate is prepared and timed against the original in a process of its own, the best again in a fresh one.

    Parameters
    ----------
    model : torch.nn.Module, optional
        Stays as it is, bit for bit. Default: the one last seen in a profiled cell.
    inputs, data, evaluate, max_drop, metric, higher_is_better, factory, name
        What to call it with and how its quality is judged: as in :meth:`tauto.Workload.of`.
    budget : str or float
        Hard limit of time, such as ``"2min"`` or seconds.
    only, without : collection of str
        Techniques allowed; techniques left out. Those that change the architecture (``"distill"``, ``"prune"``,
        ``"factorize"``) are tried only where ``only`` names them.
    loss, finetune : callable, optional
        For techniques that train: ``loss(outputs, labels)`` over ``data``, or your own ``finetune(model)``. With
        ``data`` alone they learn from the original.
    isolated : bool
        Keep the optimized model in a child process.

    Raises
    ------
    InvalidArgument, ModelError, EvaluateError, NotTransferable, Interrupted
        One clear line when something given cannot be used; or stopped, with the best so far as the error's ``result``.

    Examples
    --------
    >>> tauto.autotune(model, inputs=x, data=loader, budget="2min").verdict  # doctest: +SKIP
    'improved'
    """
    model = _last_profiled() if model is None else model
    chosen = chosen_techniques(only, without)
    trains = any("learning_rate" in item.config.__dataclass_fields__ for item in chosen)
    if not trains and (given := [key for key, one in (("loss", loss), ("finetune", finetune)) if one is not None]):
        raise InvalidArgument(f"{given[0]}: nothing that is tried trains. Name what does, such as only=['distill'].")
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
        loss=loss,
        finetune=finetune,
        trains=trains,
    )
    hardware = Hardware.current(workload.device.type)
    plan = Plan("autotune", lambda: legal_space(workload, hardware, chosen), clock, isolated=isolated)
    return deliver_tuned(tune(workload, plan, hardware))


def _last_profiled() -> nn.Module:
    model = seen.last_model()
    if model is None:
        raise InvalidArgument("model: none was profiled yet. Name one: tauto.autotune(model, inputs=…).")
    return model
