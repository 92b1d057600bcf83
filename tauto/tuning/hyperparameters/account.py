"""From a study, as Optuna keeps it, to its report."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from statistics import fmean
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from tauto.reports import StudyGoal, StudyKnob, StudyTrial
from tauto.tuning.hyperparameters.goal import Goal
from tauto.tuning.hyperparameters.knobs import Knob
from tauto.tuning.study import machine_of, quiet
from tauto.tuning.study.interrupted import INTERRUPTED, made_again

__all__ = [
    "BY_SEED",
    "FIGURES",
    "RANDOM",
    "REASON",
    "RECIPE",
    "SECONDS",
    "choose",
    "expected_random",
    "goals_of",
    "importance_by",
    "knobs_of",
    "machines_of",
    "random_best",
    "talkative",
    "trials_of",
]

REASON, FIGURES, BY_SEED, RANDOM, SECONDS, RECIPE = (
    f"tauto:{word}" for word in ("reason", "figures", "by_seed", "random", "seconds", "recipe")
)
"""Attributes of a trial."""
_FEWEST_FOR_IMPORTANCE = 10
_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "stopped_early",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def goals_of(goal: Goal) -> tuple[StudyGoal, ...]:
    """Return the objectives as a report has them."""
    return tuple(StudyGoal(name, way) for name, way in goal.objectives)


def trials_of(trials: Sequence[FrozenTrial], goal: Goal) -> tuple[StudyTrial, ...]:
    """Return the trials as a report has them."""
    again = made_again(trials)
    return tuple(_trial(one, goal, again) for one in trials)


def _trial(one: FrozenTrial, goal: Goal, again: Mapping[int, int]) -> StudyTrial:
    known = one.user_attrs
    state: Any = _STATES[one.state]
    reason = str(known.get(REASON, ""))
    if one.state == TrialState.FAIL and not reason:
        state, reason = "interrupted", _interrupted(one, again)
    values = tuple(one.values) if one.state == TrialState.COMPLETE and one.values else ()
    figures = known.get(FIGURES)
    seconds = known.get(SECONDS)
    if seconds is None and one.duration is not None and state != "interrupted":  # nobody knows when that one ended
        seconds = one.duration.total_seconds()
    return StudyTrial(
        number=one.number,
        state=state,
        params=dict(one.params) or ({"recipe": known[RECIPE]} if RECIPE in known else {}),
        values=values,
        figures=figures,
        over=goal.violations(figures) if figures and goal.constraints else dict(one.constraints) or None,
        by_seed=tuple(known.get(BY_SEED, ())),
        reason=reason,
        seconds=seconds,
        step=one.last_step,
        drawn_at_random=bool(known.get(RANDOM, False)),
        machine=machine_of(one)[0],
    )


def _interrupted(one: FrozenTrial, again: Mapping[int, int]) -> str:
    """Return why nothing came of a trial, and who took its place, if any."""
    why = str(one.user_attrs.get(INTERRUPTED, "the process that ran it fell silent"))
    if (number := again.get(one.number)) is not None:
        return f"{why}; trial {number} makes it again"
    return f"{why}; interrupted twice, it is given up" if one.number in again.values() else why


def machines_of(trials: Sequence[FrozenTrial]) -> dict[str, str]:
    """Return the machines that ran trials, by their fingerprints."""
    return {fingerprint: words for fingerprint, words in map(machine_of, trials) if fingerprint}


def choose(trials: Sequence[StudyTrial], goal: Goal) -> tuple[int | None, tuple[int, ...], int | None]:
    """Return the best trial, of several goals the front, and where none is feasible the nearest miss."""
    feasible = [one for one in trials if one.feasible]
    complete = [one for one in trials if one.state == "complete"]
    nearest = None
    if complete and not feasible:
        nearest = min(complete, key=lambda one: max(_relative_misses(one, goal).values())).number
    if len(goal.objectives) > 1:
        return None, _front(feasible, goal), nearest
    best: StudyTrial | None = None
    for one in feasible:  # of equals the earlier
        if best is None or goal.better(one.values, best.values):
            best = one
    return (best.number if best is not None else None), (), nearest


def _front(feasible: Sequence[StudyTrial], goal: Goal) -> tuple[int, ...]:
    signs = [-1.0 if way == "maximize" else 1.0 for way in goal.directions]
    front: list[StudyTrial] = []
    # what beats a trial comes before it in this order, and what beats that stands in the front already; of equals one
    for one in sorted(feasible, key=lambda one: [sign * value for sign, value in zip(signs, one.values, strict=True)]):
        if not any(goal.better(other.values, one.values) or other.values == one.values for other in front):
            front.append(one)
    return tuple(sorted(one.number for one in front))


def _relative_misses(one: StudyTrial, goal: Goal) -> dict[str, float]:
    over = one.over or {}
    return {str(limit): over[str(limit)] / max(abs(limit.limit), 1e-12) for limit in goal.constraints} or {"": 0.0}


def knobs_of(goal: Goal, trials: Sequence[FrozenTrial], *, weighed: bool = True) -> tuple[StudyKnob, ...]:
    """Return the knobs in order of importance, as far as that can be estimated and ``weighed``; else as asked for."""
    seen: dict[str, list[BaseDistribution]] = {}
    for one in trials:
        for name, distribution in one.distributions.items():
            seen.setdefault(name, []).append(distribution)
    importance = _importance(goal, trials) if weighed else {}
    made = [
        StudyKnob(name, _values(name, found), bool(getattr(found[-1], "log", False)), importance.get(name))
        for name, found in seen.items()
    ]
    return tuple(sorted(made, key=lambda knob: -(knob.importance or 0.0)))


def _importance(goal: Goal, trials: Sequence[FrozenTrial]) -> Mapping[str, float]:
    complete = [one for one in trials if one.state == TrialState.COMPLETE]
    if len(complete) < _FEWEST_FOR_IMPORTANCE or len({tuple(one.values) for one in complete}) < 2:
        return {}
    in_all = set.intersection(*(set(one.params) for one in complete))
    if not in_all:
        return {}
    several = len(goal.objectives) > 1
    sign = -1.0 if goal.directions[0] == "maximize" else 1.0
    with quiet(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PedAnovaImportanceEvaluator computes")  # the sign of the target sees to it
        study = optuna.create_study(directions=goal.directions)  # in memory: the storage may be out of reach by now
        ranges = {name: _united([one.distributions[name] for one in complete]) for name in in_all}
        for one in complete:
            params = {name: one.params[name] for name in in_all}
            study.add_trial(optuna.trial.create_trial(values=one.values, params=params, distributions=ranges))
        evaluator = FanovaImportanceEvaluator(seed=0) if _has_forests() else _without_forests()
        found = get_param_importances(
            study,
            evaluator=evaluator,
            params=sorted(in_all),
            target=(lambda one: sign * one.values[0]) if several else None,
        )
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def _united(found: Sequence[BaseDistribution]) -> BaseDistribution:
    """Return the range that holds all of ``found``: one that depends on other knobs is another in each trial."""
    ranges = [one for one in found if isinstance(one, FloatDistribution | IntDistribution)]
    if not ranges:
        return found[-1]
    low, high = min(one.low for one in ranges), max(one.high for one in ranges)
    if isinstance(ranges[-1], IntDistribution):
        return IntDistribution(int(low), int(high), log=ranges[-1].log)
    return FloatDistribution(low, high, log=ranges[-1].log)


def importance_by() -> str:
    """Return the name of the method by which importances are estimated here."""
    return "fANOVA" if _has_forests() else "PED-ANOVA"


def _has_forests() -> bool:
    return find_spec("sklearn") is not None


def _without_forests() -> PedAnovaImportanceEvaluator:
    # against the whole ranges, or what the sampler has settled on would seem not to matter
    return PedAnovaImportanceEvaluator(evaluate_on_local=False)


def _values(name: str, found: Sequence[BaseDistribution]) -> str:
    """Return what a knob may be, over all trials: its range may depend on others."""
    last = found[-1]
    if isinstance(last, CategoricalDistribution):
        return Knob(name, "categorical", choices=tuple(last.choices)).words
    ranges = [one for one in found if isinstance(one, FloatDistribution | IntDistribution)]
    low, high = min(one.low for one in ranges), max(one.high for one in ranges)
    kind: Any = "int" if isinstance(last, IntDistribution) else "float"
    return Knob(name, kind, low, high, step=ranges[-1].step, log=ranges[-1].log).words


def talkative(printed: Mapping[int, int]) -> list[str]:
    """Return in one line, if any, which trials printed more than is kept; ``printed`` has the bytes by their numbers.

    Examples
    --------
    >>> talkative({0: 20_000_000, 7: 1_500_000_000})
    ['2 trials printed much, trial 7 the most (over 1,500 MB): nothing of it is kept.']
    """
    if not printed:
        return []
    most = max(printed, key=printed.__getitem__)
    size = f"over {printed[most] / 1e6:,.0f} MB"
    if len(printed) == 1:
        return [f"Trial {most} printed {size}, of which nothing is kept."]
    return [f"{len(printed):,} trials printed much, trial {most} the most ({size}): nothing of it is kept."]


def random_best(trials: Sequence[StudyTrial], goal: Goal) -> tuple[float, ...]:
    """Return what random search is expected to have found after so many trials, from those drawn at random."""
    if len(goal.objectives) > 1:
        return ()
    drawn = [one.values[0] for one in trials if one.drawn_at_random and one.feasible]
    return expected_random(drawn, maximize=goal.directions[0] == "maximize")


def expected_random(values: Sequence[float], *, maximize: bool) -> tuple[float, ...]:
    """Return the expected best of 1, 2 … of ``values`` drawn without replacement.

    The k-th is the sum over the sorted values of ``C(i, k - 1) / C(n, k)``, the chance that the value with i smaller
    ones is the largest of k.

    Examples
    --------
    >>> expected_random([1.0, 2.0, 3.0], maximize=True)
    (2.0, 2.6666666666666665, 3.0)
    """
    rows = sorted(values, reverse=not maximize)
    count = len(rows)
    if count < 2:
        return tuple(rows)
    return (
        fmean(rows),
        *(
            sum(value * math.comb(place, size - 1) for place, value in enumerate(rows)) / math.comb(count, size)
            for size in range(2, count)
        ),
        rows[-1],
    )
