"""The Pareto front of a search."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports_by_hand import comparison, tuning

from tauto.errors import InvalidArgument
from tauto.recipes import Recipe
from tauto.results import TuningResult
from tauto.results.front import pareto_front


def report(*figures):
    """Return a report of trials with these (speedup, size ratio, quality drop)."""
    trial = next(one for one in tuning().trials if one.comparison)
    rows = []
    for number, (speedup, size, lost) in enumerate(figures):
        compared = replace(comparison(speedup), speedup=speedup, size_ratio=size, quality_drop=lost, memory_ratio=None)
        rows.append(replace(trial, number=number, comparison=compared))
    return replace(tuning(), trials=tuple(rows))


def numbers(*figures):
    return [point.number for point in pareto_front(report(*figures))]


def test_what_is_beaten_in_everything_is_not_on_it():
    assert numbers((3.0, 0.5, 0.01), (2.0, 0.6, 0.02), (1.5, 0.25, 0.01)) == [0, 2, None]


def test_the_original_stays_while_something_is_lost_elsewhere():
    assert numbers((3.0, 1.0, 0.0)) == [0], "as good in everything, and faster"
    assert numbers((3.0, 1.0, 0.001)) == [0, None]


def test_of_two_alike_the_earlier_stays():
    assert numbers((3.0, 0.5, 0.0), (3.0, 0.5, 0.0)) == [0]


FIGURES = st.tuples(st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([0.25, 1.0]), st.sampled_from([0.0, 0.01]))


@given(st.lists(FIGURES, max_size=8))
def test_every_way_is_on_it_or_beaten_by_one_that_is(figures):
    ways = [(1.0, 1.0, 0.0), *figures]
    front = [ways[0 if number is None else number + 1] for number in numbers(*figures)]
    assert len(front) == len(set(front))
    for way in ways:
        assert any(one[0] >= way[0] and one[1] <= way[1] and one[2] <= way[2] for one in front)


def test_a_result_has_its_front_and_what_came_nearest():
    result = TuningResult(replace(report((3.0, 0.5, 0.2)), nearest=0))
    assert [point.number for point in result.front] == [0, None]
    assert result.nearest.number == 0
    assert TuningResult(report((3.0, 0.5, 0.0))).nearest is None


def test_any_trial_and_any_point_can_be_applied():
    asked = []
    found = report((3.0, 0.5, 0.0), (2.0, 0.25, 0.0))
    result = TuningResult(found, again=lambda recipe, budget: asked.append((recipe, budget)))
    result.apply(1)
    result.apply(found.trials[0], budget="1min")
    result.apply(min(result.front, key=lambda point: point.size_ratio))
    recipes = [Recipe.from_report(trial.recipe) for trial in found.trials]
    assert asked == [(recipes[1], "10min"), (recipes[0], "1min"), (recipes[1], "10min")]


@pytest.mark.parametrize(
    ("trial", "words"),
    [
        (7, "trial: there is no 7. Write a number from 0 to 1."),
        (True, "trial: there is no True"),
        ("fast", "trial: there is no 'fast'"),
        (None, "trial: there is no None"),
    ],
)
def test_what_is_no_trial_is_told(trial, words):
    result = TuningResult(report((3.0, 0.5, 0.01), (2.0, 0.25, 0.1)), again=lambda *_: None)
    with pytest.raises(InvalidArgument, match=words):
        result.apply(trial)
    original = next(point for point in result.front if point.number is None)
    with pytest.raises(InvalidArgument, match="this point is the original"):
        result.apply(original)


def test_a_past_run_says_how_to_apply_its_trial():
    with pytest.raises(InvalidArgument, match=r"tauto.apply\(tauto.Recipe.from_report\(r.trials\[0\].recipe\)"):
        TuningResult(report((3.0, 0.5, 0.0))).apply(0)


def test_the_original_may_be_what_came_nearest():
    result = TuningResult(replace(report((0.5, 1.2, 0.0)), original_nearest=True))
    assert (result.nearest.number, result.nearest.title) == (None, "the original")
    assert result.nearest in result.front
    with pytest.raises(InvalidArgument, match="this point is the original"):
        result.apply(result.nearest)
