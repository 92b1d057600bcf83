"""What every verb does with its report: keep it in the store, make it the last result, hand it over."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import Any, TypeVar

from torch import nn

from tauto.config import Settings, parse_duration
from tauto.errors import Interrupted, InvalidArgument, RecipeError
from tauto.events import ended_by_switch
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.results import Result, TuningResult, set_last
from tauto.store import Store
from tauto.tuning import Budget, Goal, Plan, Space, Tuned, tune
from tauto.workload import Workload

__all__ = ["apply_recipe", "deliver", "deliver_tuned"]

R = TypeVar("R", bound=Result[Any])


def deliver(result: R) -> R:
    """Store the report of ``result``, make it ``tauto.last()``, and return it."""
    set_last(result)
    Store(Settings.current().store).add(result.report)
    return result


def deliver_tuned(tuned: Tuned, workload: Workload, *, isolated: bool) -> TuningResult:
    """Return the result of a search; when the user stopped it, raise Interrupted that carries it.

    Parameters
    ----------
    tuned : Tuned
        What the search found.
    workload, isolated
        What it was found for and how it runs, for the trials that are applied later.
    """
    result = deliver(TuningResult(tuned.report, tuned.model, _Again(workload, isolated)))
    if tuned.report.interrupted and not ended_by_switch():
        raise Interrupted(result)
    return result


def apply_recipe(recipe: Recipe, workload: Workload, *, budget: str | float, isolated: bool) -> TuningResult:
    """Prepare ``recipe`` in isolation, measure it, and deliver it where its quality holds, be it no faster.

    Raises
    ------
    RecipeError
        When a step does not apply here.
    """
    clock = Budget(parse_duration(budget))
    hardware = Hardware.current(workload.device.type)
    _check_applies(recipe, workload, hardware)
    plan = Plan("apply", lambda: Space((recipe,), ()), clock, Goal(as_asked=True), isolated=isolated)
    return deliver_tuned(tune(workload, plan, hardware), workload, isolated=isolated)


class _Again:
    """Applies a recipe to the model of a result; it keeps the calls and the rule of the quality, not the model."""

    def __init__(self, workload: Workload, isolated: bool) -> None:
        self._model = weakref.ref(workload.model)
        self._workload = replace(workload, model=nn.Identity())
        self._isolated = isolated

    def __call__(self, recipe: Recipe, budget: str | float) -> TuningResult:
        model = self._model()
        if model is None:
            raise InvalidArgument(
                "apply: the model that this was measured on is gone. Build it, then: "
                "tauto.apply(tauto.Recipe.from_report(trial.recipe), model, inputs=…)."
            )
        workload = replace(self._workload, model=model)
        return apply_recipe(recipe, workload, budget=budget, isolated=self._isolated)


def _check_applies(recipe: Recipe, workload: Workload, hardware: Hardware) -> None:
    for step in recipe.steps:
        for answer in (step.technique.missing(), step.technique.applies_to(workload, hardware)):
            if not answer.applies:
                remedy = f" {answer.remedy}" if answer.remedy else ""
                raise RecipeError(f"recipe: {step.name} does not apply here: {answer.reason}.{remedy}")
