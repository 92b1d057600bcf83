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
    isolated: bool = False,
    factory: Callable[[], nn.Module] | None = None,
    name: str | None = None,
) -> TuningResult:
    """Find the fastest way to run ``model`` here that keeps its quality, or say that it is the original.

    Every candidate is prepared and timed against the original in a process of its own; the best is confirmed in
    a fresh one. The model itself stays as it is, bit for bit.

    Parameters
    ----------
    model : torch.nn.Module, optional
        Default: the model last seen in a profiled cell.
    inputs : Tensor, tuple or dict, optional
        What to call it with. Default: what the profiled cell called it with, else a batch of ``data``.
    data : iterable of batches, optional
        To compare outputs over and to calibrate on; labels are dropped.
    evaluate : callable, optional
        ``evaluate(model) -> float | dict``. Without it outputs are compared with the original's.
    max_drop : str or float
        ``"1%"`` of the original's figure, or ``0.01`` in the metric's unit.
    metric : str, optional
        Which metric of ``evaluate`` counts; default all.
    higher_is_better : bool
        Direction of the metric.
    budget : str or float
        Hard limit of time, such as ``"2min"`` or seconds.
    only, without : collection of str
        Techniques allowed; techniques left out.
    isolated : bool
        Keep the optimized model in a child process.
    factory : callable, optional
        Builds the model anew, where it cannot be copied or sent.
    name : str, optional
        What to call the model in the report.

    Returns
    -------
    TuningResult
        ``verdict``, ``model`` (always usable), ``recipe``, ``trials``, ``script()``, …

    Raises
    ------
    InvalidArgument, ModelError, EvaluateError, NotTransferable
        One clear line when something given cannot be used; nothing was changed.
    Interrupted
        When stopped: a KeyboardInterrupt that carries the best so far as ``result``.

    Examples
    --------
    >>> result = tauto.autotune(model, inputs=x, data=loader, budget="2min")  # doctest: +SKIP
    >>> result.verdict, result.confirmed.speedup  # doctest: +SKIP
    ('improved', 3.2)
    """
    if model is None:
        model = seen.last_model()
        if model is None:
            raise InvalidArgument("model: none was profiled yet. Name one: tauto.autotune(model, inputs=…).")
    chosen = chosen_techniques(only, without)
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
    plan = Plan("autotune", lambda: legal_space(workload, hardware, chosen), clock, isolated=isolated)
    return deliver_tuned(tune(workload, plan, hardware))
