"""Choose and order techniques by measuring."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from torch import nn

from tauto.config import Constraints, Drop, parse_drop
from tauto.errors import InvalidArgument, MissingDependency, StoreWarning, StudyError, a_kind, did_you_mean
from tauto.hardware import THIS_MACHINE
from tauto.recipes import Recipe
from tauto.results import TuningResult
from tauto.techniques import Technique
from tauto.tuning import (
    Budget,
    Destination,
    Goal,
    Objective,
    Plan,
    Space,
    chosen_techniques,
    destination,
    expected_space,
    proposing_space,
    targets_of,
    tune,
)
from tauto.verbs.checks import check_count
from tauto.verbs.delivery import deliver_tuned
from tauto.verbs.targets import parse_budget, parse_target
from tauto.workload import Workload, seen
from tauto.workload.training import FineTune, Loss

if TYPE_CHECKING:
    from tauto.tuning.trial_log import TrialLog

__all__ = ["autotune"]


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
    target: str | Path = THIS_MACHINE,
    study: str | None = None,
    storage: str | Path | None = None,
    resume: bool | None = None,
    workers: int = 1,
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
        ``"factorize"``) are tried where ``only`` names them, or one at a time where ``loss`` or ``finetune`` says how
        to train after them and ``evaluate`` judges what is left.
    loss, finetune : callable, optional
        For techniques that train: ``loss(outputs, labels)`` over ``data``, or your own ``finetune(model)``. With
        ``data`` alone they learn from the original.
    target : str or Path
        The machine that it is for: one of :func:`tauto.targets`, or a YAML file like those. Where this machine can
        stand in, trials are held to what the target has (cores, memory, instruction sets); where it cannot, the verdict
        is ``"estimated"``: what the rules expect most of there and holds the quality here, with the line that measures
        it there.
    study : str, optional
        Name of the study that keeps the trials as they end; one that is there, of the same, is gone on with. Default:
        one of its own, which a search of the same goes on with when this one is cut off.
    storage : str or Path, optional
        A URL such as ``"postgresql://host/name"`` or an SQLite file; default ``TAUTO_STORAGE``, else ``studies.db``
        in the folder of the store.
    resume : bool, optional
        True: go on with the last study of the same, also one that came to its end. False: begin anew.
    workers : int
        How many candidates are prepared and judged side by side, each in a process of its own. Each is timed alone:
        the others stand still meanwhile.
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
    >>> tauto.autotune(model, inputs=x, target="edge-cpu").verdict  # doctest: +SKIP
    """
    model = _last_profiled() if model is None else model
    cuts = evaluate is not None and not (loss is None and finetune is None)
    chosen = chosen_techniques(only, without, structural=cuts)
    trains = any("learning_rate" in item.config.__dataclass_fields__ for item in chosen)
    if not trains and (given := [key for key, one in (("loss", loss), ("finetune", finetune)) if one is not None]):
        way = "Name what does, such as only=['distill']" + ("." if only else ", or give evaluate, too.")
        raise InvalidArgument(f"{given[0]}: nothing that is tried trains. {way}")
    if objective not in get_args(Objective):
        raise InvalidArgument(
            f"objective: there is no {objective!r}. {did_you_mean(str(objective), get_args(Objective))}".rstrip()
        )
    if constraints is not None and not isinstance(constraints, Constraints):
        raise InvalidArgument(f"constraints: {a_kind(constraints)} is none. Write tauto.Constraints(max_latency_ms=3).")
    check_count("workers", workers)
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
    there = destination(target, workload.device.type)
    goal = Goal(objective, constraints=targets_of(limits), as_asked=bool(there.elsewhere))
    if there.elsewhere:
        _check_estimable(there, goal, stop_at)
    plan = Plan(
        "autotune",
        lambda: _space(workload, there, chosen, goal, one_cut=not only),
        clock,
        goal,
        isolated=isolated,
        stop_at=enough,
        most_trials=most_trials,
        workers=workers,
        destination=there,
        log=_log(workload, there, goal, chosen, (study, storage, resume)),
    )
    hardware = there.here if there.elsewhere else there.hardware
    with clock.standing_still():
        there.hardware.ceilings()  # what the rules go by; measured once for a machine
    return deliver_tuned(tune(workload, plan, hardware), workload, isolated=isolated)


def _space(workload: Workload, there: Destination, chosen: list[Technique], goal: Goal, *, one_cut: bool) -> Space:
    """Return what to try; of the changes of the architecture that nobody named at most one a recipe."""
    usable, left_out = there.usable(chosen)

    def takes(recipe: Recipe) -> bool:
        return there.takes(recipe) and not (one_cut and len(recipe.structure) > 1)

    if there.elsewhere:
        found = expected_space(workload, there, usable)
    else:
        found = proposing_space(workload, there.hardware, usable, goal, takes)
    return replace(found, not_tried=(*found.not_tried, *left_out))


def _log(
    workload: Workload,
    there: Destination,
    goal: Goal,
    chosen: list[Technique],
    asked: tuple[str | None, str | Path | None, bool | None],
) -> TrialLog | None:
    """Return where trials are kept; None where nothing was said and they cannot be, of which a warning tells."""
    from tauto.tuning.study import StorageUrl  # Optuna's storages take half a second to import
    from tauto.tuning.trial_log import identity_of, open_log

    study, storage, resume = asked
    words = (f"improve {goal.objective}", *(limit.words for limit in goal.constraints), workload.quality_rule)
    about = {"techniques": sorted(item.name for item in chosen)}
    machine = there.hardware.fingerprint, there.hardware.summary
    where = StorageUrl.parse(storage)
    try:
        return open_log(where, study, identity_of(workload, "autotune", words, about), resume, machine)
    except (StudyError, MissingDependency) as error:
        if study is not None or storage is not None or resume:
            raise
        warnings.warn(f"The trials of this search are not kept: {error}", StoreWarning, stacklevel=3)
        return None


def _check_estimable(there: Destination, goal: Goal, stop_at: str | None) -> None:
    """Refuse what only measuring on the target could answer.

    Raises
    ------
    InvalidArgument
        When a limit, an objective or a figure to stop at is of a machine that is not at hand.
    """
    why = f"cannot be measured for {there.name} here, since {there.elsewhere}"
    for limit in goal.constraints:
        if limit.kind != "size":
            raise InvalidArgument(f"constraints: {limit.words} {why}. Leave it out, and measure there what comes back.")
    if stop_at is not None:
        raise InvalidArgument(f"stop_at: {stop_at} {why}. Leave it out.")
    if goal.objective in {"memory", "size"}:
        raise InvalidArgument(f"objective: what is estimated is speed. For {goal.objective} leave target out.")


def _allowed_drop(given: str | float | Drop | None, constraints: Constraints) -> str | float | Drop | None:
    limit = constraints.max_drop
    if given is not None and limit is not None and parse_drop(given) != limit:
        raise InvalidArgument(f"max_drop: {given} here and {limit} in constraints. Give one of the two.")
    return given if given is not None else limit


def _last_profiled() -> nn.Module:
    model = seen.last_model()
    if model is None:
        raise InvalidArgument("model: none was profiled yet. Name one: tauto.autotune(model, inputs=…).")
    return model
