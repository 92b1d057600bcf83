"""Search for hyperparameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tauto.config import parse_duration
from tauto.errors import Interrupted, InvalidArgument
from tauto.events import ended_by_switch
from tauto.results import StudyResult
from tauto.tuning.hyperparameters import Goal, Subject
from tauto.tuning.hyperparameters.goal import Directions
from tauto.tuning.hyperparameters.search import Search, SearchPlan
from tauto.tuning.hyperparameters.warm import earlier_params
from tauto.tuning.study import StorageUrl, digest_of
from tauto.verbs.checks import check_count
from tauto.verbs.delivery import deliver
from tauto.verbs.executors import parse_places
from tauto.workload.cell import Cell

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

__all__ = ["tune"]

BUDGET = "5min"


def tune(
    objective: Callable[[], Any] | Cell,
    *,
    budget: str | float | None = None,
    trials: int | None = None,
    direction: Directions = "maximize",
    constraints: str | Iterable[str] = (),
    study: str | None = None,
    storage: str | Path | None = None,
    resume: bool | None = None,
    seeds: int = 1,
    sampler: str | BaseSampler = "tpe",
    pruner: str | BasePruner | None = None,
    trial_limit: str | float | None = None,
    warm_start: str | StudyResult | Mapping[str, Any] | Sequence[str | StudyResult | Mapping[str, Any]] | None = None,
    seed: int = 0,
    executor: str = "local",
    workers: int = 1,
    origin: str = "",
) -> StudyResult:
    """Search for the values of the knobs in ``objective`` that make its figure best.

    The objective asks for its values where it uses them, by ``tauto.suggest.float``, ``.int`` and ``.categorical``.
    Each trial runs in a fresh process: one that crashes, hangs or fills the memory is told of, and the search goes on.
    All that has ended stands in an Optuna study; the same line, run again, goes on with it.

    Parameters
    ----------
    objective : callable or Cell
        A function without arguments. It returns a number, one for each direction, or a dict of figures by name.
    budget : str or float, optional
        Time that the study may take in all, such as ``"5min"``; default 5 minutes where ``trials`` is not given. A
        text such as ``"20 trials"`` is the same as ``trials=20``.
    trials : int, optional
        Trials that the study may have in all.
    direction : str, sequence or mapping
        ``"maximize"`` (default) or ``"minimize"``; several as ``{"accuracy": "maximize", "latency_ms": "minimize"}``,
        and the result has a Pareto front.
    constraints : str or iterable of str
        Limits of figures that the objective returns by name, such as ``"size_mb <= 5"``.
    study : str, optional
        Name of the study; default the objective's, with a digest of its code and data: other code, another study.
    storage : str or Path, optional
        A URL such as ``"postgresql://host/name"`` or an SQLite file; default ``TAUTO_STORAGE``, else ``studies.db``
        in the folder of the store.
    resume : bool, optional
        True: the study must be there. False: it must not. Default: either.
    seeds : int
        Under how many random seeds each trial is run; the mean counts.
    sampler : str or optuna.samplers.BaseSampler
        ``"tpe"`` or ``"random"``.
    pruner : str or optuna.pruners.BasePruner, optional
        What stops trials early that report their progress: ``"median"`` (default), ``"hyperband"``, ``"wilcoxon"``
        (default for several seeds: it compares seed by seed) or ``"none"``.
    trial_limit : str or float, optional
        Time that one run may take; default ten times the longest before (a minute at least), for the first ones half
        of what is left.
    warm_start : str, StudyResult, mapping or sequence of these, optional
        What a new study tries first: the best of an earlier study, or values of your own.
    seed : int
        Of the sampler, and of the first run of each trial.
    executor : str
        Where trials run: ``"local"``, or ``"ray"`` for a Ray cluster (``"ray:ADDRESS"`` for one that is not found by
        itself).
    workers : int
        Trials at once. Here each has its share of the cores.
    origin : str
        Where the objective came from, such as ``"train.py:objective"``; kept with the study.

    Raises
    ------
    InvalidArgument, NotTransferable, StudyError, MissingDependency
        One clear line when something given cannot be used; a study of other code is refused by name.
    Interrupted
        When stopped, with what was found as the error's ``result``.

    Examples
    --------
    >>> def objective():
    ...     lr = tauto.suggest.float("lr", 1e-5, 1e-1, log=True)
    ...     return train_and_validate(lr)
    >>> tauto.tune(objective, budget="5min").params  # doctest: +SKIP
    {'lr': 0.0031}
    """
    subject = Subject.of(objective, origin)
    goal = Goal.parse(direction, constraints)
    seconds, wanted = _limits(budget, trials)
    check_count("seeds", seeds)
    check_count("seed", seed, least=0)
    where = StorageUrl.parse(storage)
    if study is not None and (not isinstance(study, str) or not study.strip()):
        raise InvalidArgument(f"study: {study!r} is no name. Write one such as 'digits'.")
    search = Search(
        SearchPlan(
            subject=subject,
            goal=goal,
            where=where,
            name=study or _own_name(subject, goal),
            sampler=sampler,
            pruner=pruner,
            seeds=seeds,
            seed=seed,
            budget_s=seconds,
            wanted=wanted,
            trial_limit_s=None if trial_limit is None else parse_duration(trial_limit, "trial_limit"),
            resume=resume,
            places=parse_places(executor, workers),
            first=earlier_params(_reports(warm_start), where),
        )
    )
    result = deliver(StudyResult(search.run()))
    if result.report.interrupted and not ended_by_switch():
        raise Interrupted(result)
    return result


def _reports(warm_start: Any) -> Any:
    """Return what was given with the reports of results in their place."""
    if isinstance(warm_start, StudyResult):
        return warm_start.report
    return [_reports(one) for one in warm_start] if isinstance(warm_start, list | tuple) else warm_start


def _own_name(subject: Subject, goal: Goal) -> str:
    title = "cell" if isinstance(subject.what, Cell) else subject.title
    return f"{title}-{digest_of({**subject.parts, ' goal': ' '.join(goal.words)})}"


def _limits(budget: str | float | None, trials: int | None) -> tuple[float | None, int | None]:
    """Return seconds and trials, as far as they are limited; one of them is."""
    if trials is not None:
        check_count("trials", trials)
    if isinstance(budget, str) and budget.strip().endswith(("trial", "trials")):
        count = budget.strip().split()[0]
        if not count.isdecimal() or int(count) < 1:
            raise InvalidArgument(f"budget: {budget!r} is no number of trials. Write such as '20 trials' or '5min'.")
        if trials is not None and trials != int(count):
            raise InvalidArgument(f"trials: {trials} here and {budget!r} as the budget. Give one of the two.")
        return None, int(count)
    if budget is None:
        return (None if trials is not None else parse_duration(BUDGET)), trials
    return parse_duration(budget), trials
