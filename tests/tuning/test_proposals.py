"""Which recipe comes next, on comparisons made by hand."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import optuna
import pytest
from reports_by_hand import comparison

from tauto.errors import RecipeError
from tauto.recipes import Recipe
from tauto.reports import TrialReport
from tauto.tuning.objective import Goal
from tauto.tuning.proposals import CANNOT_WIN, Proposals

GOAL = Goal()
STEPS = (
    ["fold_batchnorm"],
    ["channels_last"],
    ["bfloat16", "float16"],
    [("compile", {"freezing": True}), ("compile", {"freezing": False}), "openvino", "onnxruntime"],
)


def all_legal() -> list[Recipe]:
    found = []
    for choice in itertools.product(*([None, *options] for options in STEPS)):
        try:
            found.append(Recipe.of(*(step for step in choice if step is not None)))
        except RecipeError:
            continue
    return [recipe for recipe in found if recipe.steps]


LEGAL = all_legal()


def trial(number: int, recipe: Recipe, speedup: float | None, *, held: bool | None = True) -> TrialReport:
    compared = None if speedup is None else comparison(speedup, held=held)
    status = "failed" if compared is None else "rejected"
    return TrialReport(number, recipe.report(), status, "", compared, 1.0, 1.0, 0.1)


def searched(truth, *, recipes=LEGAL, trials=100):
    """Return the trials of a search over a world in which each recipe has the speed that ``truth`` tells."""
    proposals, done = Proposals(recipes, GOAL), []
    while len(done) < trials and (proposed := proposals(done)) is not None:
        done.append(trial(len(done), proposed, truth(proposed)))
    return proposals, done


def multiplied(factors):
    def truth(recipe):
        speed = 1.0
        for step in recipe.steps:
            speed *= factors.get(str(step), factors.get(step.name, 1.0))
        return speed

    return truth


def test_every_proposal_is_legal_and_none_comes_twice():
    _, done = searched(lambda recipe: None)  # nothing can be measured: nothing can be ruled out
    digests = [one.recipe.digest for one in done]
    assert sorted(digests) == sorted(recipe.digest for recipe in LEGAL)


def test_it_ends_when_nothing_left_can_win_and_has_found_the_best():
    truth = multiplied({"fold_batchnorm": 1.05, "channels_last": 1.1, "bfloat16": 0.5, "float16": 0.4, "openvino": 3.0})
    proposals, done = searched(truth)
    best = max(done, key=lambda one: one.comparison.speedup)
    assert best.comparison.speedup == max(map(truth, LEGAL))
    assert len(done) < len(LEGAL)
    left = proposals.rest(done)
    assert len(left) == len(LEGAL) - len(done)
    assert {reason for _, reason in left} == {CANNOT_WIN}
    assert all(truth(recipe) <= best.comparison.speedup_interval.high for recipe, _ in left)


@pytest.mark.parametrize("seed", range(8))
def test_where_gains_multiply_what_is_ruled_out_could_not_have_won(seed):
    dice = random.Random(seed)
    names = ["fold_batchnorm", "channels_last", "bfloat16", "float16", "openvino", "onnxruntime"]
    compiled = ["compile (freezing, example)", "compile (example)"]
    truth = multiplied({name: dice.uniform(0.5, 2.5) for name in [*names, *compiled]})
    _, done = searched(truth)
    best = max(done, key=lambda one: one.comparison.speedup).comparison
    assert max(map(truth, LEGAL)) <= best.speedup_interval.high


def test_one_that_is_faster_and_not_legal_rules_nothing_out():
    fold, both = Recipe.of("fold_batchnorm"), Recipe.of("fold_batchnorm", "channels_last")
    recipes = [fold, Recipe.of("channels_last"), both]
    proposals = Proposals(recipes, GOAL)
    done = [trial(0, fold, 5.0, held=False), trial(1, recipes[1], 1.2)]
    lossless = replace(done[0], comparison=comparison(5.0, held=True))
    assert proposals(done) == both  # 5 × 1.2 may be, and 5 × itself is not allowed
    assert dict(proposals.rest([lossless, done[1]]))[both] == ""
    slow = [trial(0, fold, 1.0), trial(1, recipes[1], 1.2)]
    assert [reason for _, reason in proposals.rest(slow)] == [CANNOT_WIN]


def test_the_sampler_goes_where_the_gains_are():
    """Nothing is ruled out, since all of it fails but for one branch: it is looked at earlier than by chance."""
    good = [recipe for recipe in LEGAL if recipe.engine and str(recipe.engine) == "compile (example)"]
    truth = {recipe.digest: 2.0 + number for number, recipe in enumerate(good)}
    _, done = searched(lambda recipe: truth.get(recipe.digest))
    places = [place for place, one in enumerate(done) if one.recipe.digest in truth]
    others = [place for place, one in enumerate(done) if one.recipe.digest not in truth]
    assert sum(places) / len(places) < sum(others) / len(others) - 4


def test_what_is_under_way_is_not_proposed_and_is_heard_when_it_ends():
    proposals, done = Proposals(LEGAL, GOAL), []
    truth = multiplied({"openvino": 3.0})
    for _ in range(6):
        first = proposals(done)
        beside = replace(trial(len(done), first, None), status="skipped")
        second = proposals([*done, beside])
        assert second.digest != first.digest
        done += [trial(len(done) + place, one, truth(one)) for place, one in enumerate((second, first))]
    heard = proposals._heard(done)
    assert len(heard.get_trials(states=[optuna.trial.TrialState.COMPLETE])) == len(done)
