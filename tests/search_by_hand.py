"""A bench that answers from a table, and a search over it."""

from __future__ import annotations

from dataclasses import dataclass, field

from reports_by_hand import comparison

from tauto.recipes import Recipe
from tauto.reports import Comparison
from tauto.tuning.bench import Attempt, Baseline
from tauto.tuning.budget import Budget
from tauto.tuning.objective import Goal
from tauto.tuning.search import Search
from tauto.tuning.space import Space

RECIPES = [Recipe.of("fold_batchnorm"), Recipe.of("channels_last"), Recipe.of("fold_batchnorm", "channels_last")]

UNEXPORTABLE = "the model cannot be exported"


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self):
        return self.now


@dataclass
class HandBench:
    """Answers from a table; each attempt costs ten seconds on the clock."""

    clock: Clock
    speedups: dict[str, float | str | BaseException]
    confirmed: dict[str, float | str | BaseException] = field(default_factory=dict)
    cost_s: float = 10.0
    bars: list = field(default_factory=list)
    discarded: list = field(default_factory=list)
    baseline: Baseline = field(default_factory=lambda: Baseline(None, 0.01, 1.0))
    trainings: None = None
    training: tuple = ("", None)

    def attempt(self, recipe, *, wall_limit_s, time_cap_s, give_up_below, with_memory, tick):
        tick()
        self.bars.append(give_up_below)
        return self._answer(self.speedups[recipe.title], wall_limit_s)

    def confirm(self, recipe, *, wall_limit_s, time_cap_s, tried):
        return self._answer(self.confirmed.get(recipe.title, self.speedups[recipe.title]), wall_limit_s)

    def training_of(self, recipe):
        return self.training

    def discard(self, recipe, kept=()):
        self.discarded.append(recipe.title)

    def _answer(self, answer, wall_limit_s):
        cost = min(self.cost_s, wall_limit_s)
        self.clock.now += cost
        if isinstance(answer, BaseException):
            raise answer
        if cost < self.cost_s:
            return Attempt(cost, failure="did not end: stopped", stopped_after_s=wall_limit_s)
        if answer == UNEXPORTABLE:
            return Attempt(cost, failure="control flow", not_exportable=True)
        if isinstance(answer, str):
            return Attempt(cost, rejected=answer) if answer.startswith("wrong") else Attempt(cost, failure=answer)
        if isinstance(answer, Comparison):
            return Attempt(cost, comparison=answer, preparation_s=answer.preparation_s)
        held = answer > 0
        return Attempt(cost, comparison=comparison(abs(answer), held=held), preparation_s=2.0)


def run(speedups, *, total_s=1000.0, goal=None, confirmed=None, recipes=RECIPES, space=None, **limits):
    clock = Clock()
    table = dict(zip((recipe.title for recipe in recipes), speedups, strict=True))
    bench = HandBench(clock, table, confirmed or {})
    search = Search(bench, Budget(total_s, clock=clock), goal or Goal(), **limits)
    search.run(space or Space(tuple(recipes), ()))
    return search


def statuses(search):
    return [trial.status for trial in search.trials]
