"""From a workload to a verdict: the search, its report, and the model that may be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from tauto.errors import CandidateFailed, TrialFailed
from tauto.events import Progress, emit
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import Conditions, NotTried, TuningReport
from tauto.reports.tuning import TuningVerdict
from tauto.tuning.bench import Bench
from tauto.tuning.budget import Budget
from tauto.tuning.objective import Goal, speed_words
from tauto.tuning.search import Search
from tauto.workload import Workload

__all__ = ["Plan", "Tuned", "tune"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to try and how to judge it.

    Parameters
    ----------
    verb : str
        Who asks: ``"autotune"``, ``"quantize"`` or ``"apply"``.
    recipes : sequence of Recipe
        In the order to try them.
    not_tried : sequence of NotTried
        What cannot be tried, for the report.
    budget : Budget
        Hard limit; its clock runs already.
    goal : Goal
        What counts as an improvement.
    required : bool
        The technique was asked for: a faster candidate that loses too much quality makes it infeasible.
    isolated : bool
        Keep the optimized model in a child process.
    """

    verb: str
    recipes: Sequence[Recipe]
    not_tried: Sequence[NotTried]
    budget: Budget
    goal: Goal = field(default_factory=Goal)
    required: bool = False
    isolated: bool = False


@dataclass(frozen=True, slots=True)
class Tuned:
    """A report with the model and recipe that it speaks of; the recipe is None when the original was kept."""

    report: TuningReport
    model: nn.Module
    recipe: Recipe | None


def tune(workload: Workload, plan: Plan, hardware: Hardware) -> Tuned:
    """Try the plan's recipes on ``workload`` and return the confirmed best, or the original.

    Raises
    ------
    ModelError, EvaluateError, InvalidArgument
        When the original itself cannot be run or judged.
    """
    budget = plan.budget
    emit(Progress(plan.verb, "measuring the original", 0.0, budget.left_s))
    bench = Bench(workload, hardware)
    search = Search(
        bench=bench,
        recipes=plan.recipes,
        budget=budget,
        goal=plan.goal,
        task=plan.verb,
    )
    unmeasured = _measured_in_time(search, budget)
    model, problem = workload.model, unmeasured
    if search.recipe is not None:
        emit(Progress(plan.verb, "loading the winner", 0.99, budget.left_s))
        try:
            model = bench.resident(search.recipe) if plan.isolated else bench.load(search.recipe)
        except CandidateFailed as error:
            problem = f"{search.recipe.title} could not be loaded here: {error}"
            search.drop_winner(problem)
        except KeyboardInterrupt:
            search.interrupted, problem = True, "stopped while the winner was being loaded"
            search.drop_winner(problem)
    report = _report(workload, plan, hardware, search, budget.elapsed_s, problem)
    return Tuned(report, model, search.recipe)


def _measured_in_time(search: Search, budget: Budget) -> str:
    """Measure the original and search; return why there was no time for it, or an empty string."""
    try:
        search.bench.measure_baseline(budget.total_s)
    except TrialFailed as error:
        return str(error)
    except KeyboardInterrupt:
        search.interrupted = True
        return "stopped while the original was being measured"
    search.run()
    return ""


def _report(
    workload: Workload, plan: Plan, hardware: Hardware, search: Search, wall_s: float, problem: str
) -> TuningReport:
    verdict, reason = _verdict(plan, search, problem)
    return TuningReport(
        verb=plan.verb,
        model=workload.name,
        verdict=verdict,
        reason=reason,
        objective=plan.goal.objective,
        quality_rule=workload.quality_rule,
        speed_only=search.confirmed is not None and search.confirmed.quality_held is None,
        conditions=_conditions(workload, hardware),
        trials=search.trials,
        winner=search.winner,
        confirmed=search.confirmed,
        not_tried=tuple(plan.not_tried),
        budget_s=plan.budget.total_s,
        wall_s=wall_s,
        interrupted=search.interrupted,
    )


def _verdict(plan: Plan, search: Search, problem: str) -> tuple[TuningVerdict, str]:
    if search.confirmed is not None and search.recipe is not None:
        words = speed_words(search.confirmed)
        if search.confirmed.size_ratio <= 0.95:
            words += f", {1 / search.confirmed.size_ratio:.1f}× smaller"
        better = search.confirmed.verdict == "better" or not plan.goal.as_asked
        return ("improved" if better else "applied"), f"{search.recipe.title} is {words}"
    if problem:
        return "kept_original", problem
    if plan.required and (missed := search.nearest_miss):
        return "infeasible", f"the allowed quality drop is what binds; nearest miss, {missed}"
    return "kept_original", _why_kept(search)


def _why_kept(search: Search) -> str:
    measured = [trial for trial in search.trials if trial.comparison is not None]
    if not search.trials:
        return "there was nothing to try: no technique applies here"
    if not measured:
        tried = [trial for trial in search.trials if trial.status != "skipped"]
        if not tried:
            return "the budget left no time for a single trial"
        return f"none of the {len(tried)} candidates could be made: {tried[0].recipe.title}: {tried[0].reason}"
    best = max(measured, key=lambda trial: trial.comparison.speedup if trial.comparison else 0.0)
    return f"none of {len(measured)} measured candidates was better; the best, {best.recipe.title}: {best.reason}"


def _conditions(workload: Workload, hardware: Hardware) -> Conditions:
    return Conditions(
        machine=hardware.summary,
        fingerprint=hardware.fingerprint,
        device=str(workload.device),
        threads=torch.get_num_threads(),
        shapes=workload.example.shapes,
        batch=workload.example.batch,
    )
