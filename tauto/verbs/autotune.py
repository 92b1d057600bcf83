"""Choose and order techniques by measuring."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, get_args

from torch import nn

from tauto.config import Constraints, Drop, parse_drop
from tauto.errors import InvalidArgument, did_you_mean
from tauto.hardware import Hardware
from tauto.results import TuningResult
from tauto.tuning import Budget, Goal, Objective, Plan, chosen_techniques, proposing_space, targets_of, tune
from tauto.verbs.delivery import deliver_tuned
from tauto.verbs.targets import parse_budget, parse_target
from tauto.workload import Workload, seen
from tauto.workload.training import FineTune, Loss

__all__ = ["autotune"]

DROP = "1%"
"""Quality that may be lost, where nothing is said."""


def autotune(
    model: nn.Module | None = None,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    objective: Objective = "latency",
    constraints: Constraints | None = None,
    budget: str | float = "5min",
    stop_at: str | None = None,
    only: Collection[str] = (),
    without: Collection[str] = (),
    loss: Loss | None = None,
    finetune: FineTune | None = None,
    isolated: bool = False,
    factory: Callable[[], nn.Module] | None = None,
    name: str | None = None,
) -> TuningResult:
    """Find the best way to run ``model`` here that keeps its quality, or say that it is the original.

    Each candidate is prepared and timed against the original in a process of its own, the best again in a fresh one.

    Parameters
    ----------
    model : torch.nn.Module, optional
        Stays as it is, bit for bit. Default: the one last seen in a profiled cell.
    inputs, data, evaluate, max_drop, metric, higher_is_better, factory, name
        What to call it with and how its quality is judged: as in :meth:`tauto.Workload.of`; the default drop is 1 %.
    objective : {"latency", "throughput", "memory", "size"}
        What is to become better. What has less memory or is smaller may be slower, which is said: up to twice the
        time, or as much as a constraint allows.
    constraints : Constraints, optional
        What the answer must keep to, measured. Where nothing does, the result is ``"infeasible"`` and its
        ``nearest`` the trial that came nearest.
    budget : str or float
        Hard limit of time, such as ``"2min"`` or seconds; or how many are tried, such as ``"20 trials"``.
    stop_at : str, optional
        What is good enough: ``"2x"``, ``"3ms"``, ``"5MB"`` or ``"200/s"``.
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
    >>> limits = tauto.Constraints(max_size_bytes=5_000_000, max_p95_ms=4)
    >>> tauto.autotune(model, inputs=x, objective="size", constraints=limits).nearest  # doctest: +SKIP
    """
    model = _last_profiled() if model is None else model
    chosen = chosen_techniques(only, without)
    trains = any("learning_rate" in item.config.__dataclass_fields__ for item in chosen)
    if not trains and (given := [key for key, one in (("loss", loss), ("finetune", finetune)) if one is not None]):
        raise InvalidArgument(f"{given[0]}: nothing that is tried trains. Name what does, such as only=['distill'].")
    if objective not in get_args(Objective):
        raise InvalidArgument(
            f"objective: there is no {objective!r}. {did_you_mean(str(objective), get_args(Objective))}".rstrip()
        )
    limits = constraints or Constraints()
    seconds, most_trials = parse_budget(budget)
    enough = None if stop_at is None else parse_target(stop_at)
    clock = Budget(seconds)
    workload = Workload.of(
        model,
        inputs=inputs,
        data=data,
        evaluate=evaluate,
        max_drop=_allowed_drop(max_drop, limits),
        metric=metric,
        higher_is_better=higher_is_better,
        factory=factory,
        name=name,
        loss=loss,
        finetune=finetune,
        trains=trains,
    )
    hardware = Hardware.current(workload.device.type)
    goal = Goal(objective, constraints=targets_of(limits))
    plan = Plan(
        "autotune",
        lambda: proposing_space(workload, hardware, chosen, goal),
        clock,
        goal,
        isolated=isolated,
        stop_at=enough,
        most_trials=most_trials,
    )
    return deliver_tuned(tune(workload, plan, hardware), workload, isolated=isolated)


def _allowed_drop(given: str | float | Drop | None, constraints: Constraints) -> str | float | Drop:
    limit = constraints.max_drop
    if given is not None and limit is not None and parse_drop(given) != limit:
        raise InvalidArgument(f"max_drop: {given} here and {limit} in constraints. Give one of the two.")
    return given if given is not None else limit if limit is not None else DROP


def _last_profiled() -> nn.Module:
    model = seen.last_model()
    if model is None:
        raise InvalidArgument("model: none was profiled yet. Name one: tauto.autotune(model, inputs=…).")
    return model
