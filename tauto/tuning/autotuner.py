"""From a workload to a verdict: the search, its report, and the model that may be used."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from tauto.config import rounded_up, time_in_words
from tauto.errors import CandidateFailed, TrialFailed
from tauto.events import check_stop
from tauto.hardware import Hardware, Held
from tauto.measurement import LONG_LIVED
from tauto.recipes import Recipe
from tauto.reports import Conditions, Limit, NotTried, StudyNote, TargetNote, TrialReport, TuningReport
from tauto.reports.tuning import TuningVerdict
from tauto.tuning.bench import Bench
from tauto.tuning.budget import Budget
from tauto.tuning.destination import Destination, estimate_words
from tauto.tuning.model_layers import model_layers
from tauto.tuning.objective import Goal, speed_words
from tauto.tuning.quality_control import resisting
from tauto.tuning.search import Search
from tauto.tuning.space import Space
from tauto.tuning.target import Target
from tauto.tuning.traits import traits_of
from tauto.tuning.weight_pictures import weight_pictures
from tauto.workload import Workload
from tauto.workload.quality import MAX_RELATIVE_ERROR

if TYPE_CHECKING:
    from tauto.tuning.trial_log import TrialLog

__all__ = ["Plan", "Tuned", "tune"]

MOST_REASONS = 3
"""Why nothing could be tried is told in the reason itself for as many; the report lists all."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to try and how to judge it.

    Parameters
    ----------
    verb : str
        Who asks: ``"autotune"``, ``"quantize"`` or ``"apply"``.
    space : callable
        Returns what to try, in order, and what not; asked once the original was measured.
    budget : Budget
        Hard limit; its clock runs already.
    goal : Goal
        What counts as an improvement.
    required : bool
        The technique was asked for: a faster candidate that loses too much quality makes it infeasible.
    isolated : bool
        Keep the optimized model in a child process.
    stop_at : Target or None
        Good enough: an improvement that reaches it ends the search.
    most_trials : int or None
        As many candidates are tried at most.
    destination : Destination or None
        The machine that it is for, where that is not simply this one.
    log : TrialLog or None
        Where trials are kept as they end.
    workers : int
        How many candidates are prepared and judged at once; each is timed alone.
    trainings : Path or None
        Folder that trainings are taken up from; removed once the search has come to its end.
    look : callable
        Is given the bench once the original was measured, before anything is tried.
    """

    verb: str
    space: Callable[[], Space]
    budget: Budget
    goal: Goal = field(default_factory=Goal)
    required: bool = False
    isolated: bool = False
    stop_at: Target | None = None
    most_trials: int | None = None
    destination: Destination | None = None
    log: TrialLog | None = None
    workers: int = 1
    trainings: Path | None = None
    look: Callable[[Bench], None] = lambda bench: None


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
    held = plan.destination.held if plan.destination else Held()
    bench = Bench(workload, hardware, held, trainings=plan.trainings)
    search = Search(
        bench,
        plan.budget,
        plan.goal,
        plan.verb,
        stop_at=plan.stop_at,
        most_trials=plan.most_trials,
        log=plan.log,
        workers=plan.workers,
    )
    space, model = Space((), ()), workload.model
    try:
        search.head = lambda: _head(workload, plan, hardware, search)
        search.tell("measuring the original", 0.0)
        search.bench.measure_baseline(plan.budget.left_s, check_stop)
        plan.look(search.bench)
        space = plan.space()
        if space.control is not None:
            space.control.learn(search.bench.baseline)
        search.run(space)
        problem = ""
        if search.recipe is not None:
            model, problem = _loaded(search, plan)
    except TrialFailed as error:
        used_up = not plan.budget.left_s and not search.trials
        problem = f"{error}; the budget was used up by that, so give more" if used_up else str(error)
    except KeyboardInterrupt:
        search.interrupted, problem = True, "stopped before anything was found"
    if problem:
        search.drop_winner(problem)
        model = workload.model
    if plan.trainings is not None and not (search.interrupted or search.candidates.cut_off or problem):
        shutil.rmtree(plan.trainings, ignore_errors=True)
    report = _report(workload, plan, hardware, search, space, problem)
    return Tuned(_with_layers(report, workload, model, search.recipe, space, search.bench), model, search.recipe)


def _loaded(search: Search, plan: Plan) -> tuple[nn.Module, str]:
    """Return the winner loaded here, or the original and why it could not be."""
    recipe = search.recipe or Recipe(())
    search.tell("loading the winner", 0.99)
    try:
        if plan.isolated:
            return search.bench.resident(recipe, max(10.0, plan.budget.left_s)), ""
        return search.bench.load(recipe), ""
    except (CandidateFailed, TrialFailed) as error:
        problem = f"{recipe.title} could not be loaded here: {error}"
    except KeyboardInterrupt:
        search.interrupted, problem = True, "stopped while the winner was being loaded"
    return search.bench.workload.model, problem


def _head(workload: Workload, plan: Plan, hardware: Hardware, search: Search) -> TuningReport:
    """Return what is searched, with none of what was found: a front end shows it while the search runs."""
    return TuningReport(
        verb=plan.verb,
        model=workload.name,
        verdict="kept_original",
        reason="the search is under way",
        objective=plan.goal.objective,
        quality_rule=search.bench.quality_rule,
        speed_only=False,
        conditions=_conditions(workload, hardware, search.bench.held),
        trials=(),
        winner=search.winner,
        confirmed=search.confirmed,
        not_tried=(),
        constraints=tuple(limit.words for limit in plan.goal.constraints),
        limits=_limits(workload, plan),
        budget_s=plan.budget.total_s,
        wall_s=plan.budget.elapsed_s,
        interrupted=search.interrupted,
        study=StudyNote(plan.log.name, plan.log.where.shown, search.taken_over) if plan.log else None,
        workers=plan.workers,
    )


def _limits(workload: Workload, plan: Plan) -> tuple[Limit, ...]:
    asked = tuple(Limit(limit.kind, limit.value) for limit in plan.goal.constraints)
    nearness = Limit("relative_error", MAX_RELATIVE_ERROR)  # what judges where nothing of the user's does
    return asked if workload.evaluate is not None else (*asked, nearness)


def _report(
    workload: Workload,
    plan: Plan,
    hardware: Hardware,
    search: Search,
    space: Space,
    problem: str,
) -> TuningReport:
    verdict, reason = _verdict(plan, search, space, problem)
    target = plan.destination.note(search.recipe, space.expected) if plan.destination else None
    if search.recipe is not None and target and target.elsewhere:
        verdict, reason = "estimated", estimate_words(target, search.recipe, quality_held=_held(search))
    trials = _as_estimated(search, target) if verdict == "estimated" else search.trials
    control = space.control.reports() if space.control is not None else ()
    if verdict == "infeasible":
        reason += resisting(control)
    return TuningReport(
        verb=plan.verb,
        model=workload.name,
        verdict=verdict,
        reason=reason,
        objective=plan.goal.objective,
        quality_rule=search.bench.quality_rule,
        speed_only=search.confirmed is not None and search.confirmed.quality_held is None,
        conditions=_conditions(workload, hardware, search.bench.held),
        trials=trials,
        winner=search.winner,
        confirmed=search.confirmed,
        not_tried=space.not_tried,
        before=space.before,
        control=control,
        confidence=search.confidence,
        constraints=tuple(limit.words for limit in plan.goal.constraints),
        limits=_limits(workload, plan),
        nearest=search.misses.nearest if search.recipe is None else None,
        original_nearest=search.recipe is None and search.misses.original_nearest,
        budget_s=plan.budget.total_s,
        wall_s=plan.budget.elapsed_s,
        interrupted=search.interrupted,
        ended=search.ended,
        traits=traits_of(workload).words,
        target=target,
        study=plan.log.note(search.taken_over) if plan.log else None,
        workers=plan.workers,
    )


def _as_estimated(search: Search, target: TargetNote | None) -> tuple[TrialReport, ...]:
    """Return the trials with what the winner was chosen by: not its time, which is of this machine."""
    assert target is not None
    held = "its quality holds here" if _held(search) else "its outputs are of the right kind; no quality was judged"
    words = f"the rules expect most of it on {target.name}, and {held}; not timed there"
    return tuple(replace(one, reason=words) if one.number == search.winner else one for one in search.trials)


def _held(search: Search) -> bool | None:
    return search.confirmed.quality_held if search.confirmed else None


def _with_layers(
    report: TuningReport, workload: Workload, model: nn.Module, recipe: Recipe | None, space: Space, bench: Bench
) -> TuningReport:
    if recipe is None:
        return report
    known = space.control.known(recipe) if space.control is not None else {}
    return replace(
        report,
        layers=model_layers(workload.model, model, recipe, known),
        pictures=weight_pictures(workload.model, model),
        channels=bench.channels(recipe),
    )


def _verdict(plan: Plan, search: Search, space: Space, problem: str) -> tuple[TuningVerdict, str]:
    if search.confirmed is not None and search.recipe is not None:
        words = speed_words(search.confirmed)
        if search.confirmed.size_ratio <= 0.95:
            words += f", {1 / search.confirmed.size_ratio:.1f}× smaller"
        better = search.confirmed.verdict == "better" or not plan.goal.as_asked
        return ("improved" if better else "applied"), f"{search.recipe.title} is {words}"
    if problem:
        return "kept_original", problem
    if there := search.misses.nothing_to_reach:
        return "kept_original", there
    if missed := search.misses.missed_target or search.misses.missed_constraints:
        return "infeasible", missed
    if plan.required and (missed := search.misses.nearest_miss):
        return "infeasible", f"the allowed quality drop is what binds; nearest miss, {missed}"
    return "kept_original", _why_kept(search, space.not_tried)


def _why_kept(search: Search, not_tried: Sequence[NotTried]) -> str:
    measured = [trial for trial in search.trials if trial.comparison is not None]
    if not search.trials:
        if not 1 <= len(not_tried) <= MOST_REASONS:
            return "there was nothing to try: no technique applies here"
        return "there was nothing to try: " + "; ".join(f"{one.technique}: {one.reason}" for one in not_tried)
    if not measured:
        tried = [trial for trial in search.trials if trial.status != "skipped"]
        if not tried:
            interrupted = "; ".join(filter(None, ("it was stopped before a candidate was measured", search.kept_words)))
            least = f"the smallest that makes sense here is about {rounded_up(search.allowance.least_budget_s)}"
            return interrupted if search.interrupted else f"the budget left no time for a single trial; {least}"
        stopped = search.candidates.stopped_after
        if len(stopped) == len(tried):
            each = f"each of {len(tried)} trials was" if len(tried) > 1 else "its one trial was"
            times = " to ".join(map(time_in_words, sorted({min(stopped), max(stopped)})))
            return f"nothing could be timed: {each} stopped after {times}; {search.more_time}"
        first = tried[0]
        return (
            f"no candidate came as far as being timed; the first of {len(tried)}, {first.recipe.title}: {first.reason}"
        )
    best = max(measured, key=_near)
    return f"no candidate was better; the best of {len(measured)} measured, {best.recipe.title}: {best.reason}"


def _near(trial: TrialReport) -> tuple[bool, float]:
    compared = trial.comparison
    return (compared.quality_held is not False, compared.speedup_interval.low) if compared else (False, 0.0)


def _conditions(workload: Workload, hardware: Hardware, held: Held) -> Conditions:
    return Conditions(
        machine=hardware.summary,
        fingerprint=hardware.fingerprint,
        device=str(workload.device),
        threads=min(torch.get_num_threads(), held.cores or torch.get_num_threads()),
        shapes=workload.example.shapes,
        batch=workload.example.batch,
        mode=LONG_LIVED,
    )
