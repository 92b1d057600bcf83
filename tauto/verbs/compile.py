"""Compile a model the way that measures fastest here, and tell what compiling it costs and meets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from torch import nn

from tauto.config import Drop, parse_duration
from tauto.errors import InvalidArgument
from tauto.hardware import Hardware
from tauto.recipes import OptimizedModel
from tauto.results import TuningResult
from tauto.tuning import Budget, Goal, Plan, tune
from tauto.tuning.compiling import MODES, Look, check_way, compiled_space, told
from tauto.verbs.delivery import deliver_tuned
from tauto.workload import Workload

__all__ = ["MODES", "compile"]


def compile(  # noqa: A001 - the verb's own name
    model: nn.Module,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    mode: str = "auto",
    dynamic: bool | None = None,
    budget: str | float = "10min",
    isolated: bool = False,
    factory: Callable[[], nn.Module] | None = None,
    name: str | None = None,
) -> TuningResult:
    """Compile ``model`` by TorchInductor in the mode that measures fastest here, in the precision that it has.

    Told beside: what preparing costs and after how many calls it pays (reckoned with nothing in the cache); in how
    many graphs the model is compiled, and for each cut the line, why, and what to change; whether another shape has it
    compiled again, why, and what code for varying sizes costs.

    Parameters
    ----------
    model, inputs, data, evaluate, max_drop, metric, higher_is_better, factory, name
        As in :meth:`tauto.Workload.of`; the model stays as it is, bit for bit.
    mode : {"auto", "default", "freezing", "reduce-overhead", "max-autotune"}
        Which way to compile; default all that mean something here.
    dynamic : bool, optional
        True: one code for sizes that vary; False: for the example's shapes alone, others are answered uncompiled.
        Default: the first where ``data`` has calls of several shapes, else what measures faster.
    budget, isolated
        As in :func:`tauto.autotune`.

    Returns
    -------
    TuningResult
        ``"kept_original"`` where no compiled code is faster; ``r.compilation`` has what the compiler met.

    Raises
    ------
    InvalidArgument, ModelError
        When what is asked for cannot be; one line says what to write.
    Interrupted
        When stopped, with the best so far as the error's ``result``.

    Examples
    --------
    >>> fast = tauto.compile(model, data=loader).model  # doctest: +SKIP
    >>> for cut in tauto.compile(model, inputs=x).compilation.breaks:  # doctest: +SKIP
    ...     print(cut.place, cut.reason, cut.advice)
    """
    check_way(mode, dynamic)
    model = _uncompiled(model)
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
    look = Look(clock)
    plan = Plan(
        "compile",
        lambda: compiled_space(workload, hardware, mode, dynamic, look),
        clock,
        Goal(),
        isolated=isolated,
        look=look,
    )
    tuned = tune(workload, plan, hardware)
    report = replace(tuned.report, compilation=told(tuned.report, workload, look, dynamic))
    return deliver_tuned(replace(tuned, report=report), workload, isolated=isolated)


def _uncompiled(model: Any) -> Any:
    """Refuse what is compiled or optimized already.

    Raises
    ------
    InvalidArgument
        With what to give in its place.
    """
    if isinstance(model, OptimizedModel):
        raise InvalidArgument(f"model: it is optimized already ({model.recipe.title}). Compile your own model.")
    if isinstance(model, nn.Module) and hasattr(model, "_orig_mod"):
        raise InvalidArgument(
            "model: torch.compile was called on it already. Give the model itself: model._orig_mod is it."
        )
    return model
