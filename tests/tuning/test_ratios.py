"""The search for a share, on models whose speed and quality follow a curve made by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from reports_by_hand import comparison
from search_by_hand import run as run_search

from tauto.recipes import Recipe
from tauto.reports import Interval, TrialReport
from tauto.tuning import RatioSearch, Target
from tauto.tuning.objective import Goal

TWICE = Target("speedup", 2.0)


def way(**other):
    def make(share, whole):
        return Recipe.of(("prune", {"sparsity": share, "epochs": 2 if whole else 0, **other}))

    return make


def measured(speedup, held=True):
    found = comparison(speedup, held=held)
    return replace(found, speedup_interval=Interval(speedup * 0.99, speedup * 1.01))


def run(speed_of, holds=lambda config: True, *, target=TWICE, trains=True, ways=None, too_small=False):
    """Return the configurations that were tried, in order, and whether the last reached the target."""
    search, trials, tried = RatioSearch(ways or [way()], target, trains, lambda reason: too_small), [], []
    while (recipe := search(trials)) is not None:
        assert len(trials) < 20, "it does not end"
        config = recipe.steps[0].config
        speedup = speed_of(config.sparsity)
        found = measured(speedup, holds(config)) if speedup else None
        trials.append(TrialReport(len(trials), recipe.report(), "rejected", "", found, 1.0, 1.0, 0.1))
        tried.append(config)
    compared = trials[-1].comparison
    return tried, bool(compared and target.met(compared) and compared.quality_held)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0])
def test_it_finds_a_share_that_just_reaches_the_target_then_trains_it(power):
    tried, reached = run(lambda share: (1 - share) ** -power, lambda config: config.epochs > 0)
    assert reached
    least = 1 - 2 ** (-1 / power)
    assert least - 0.02 <= tried[-1].sparsity <= least + 0.06
    assert [config.epochs for config in tried] == [0] * (len(tried) - 1) + [2]
    assert len(tried) <= 8


def test_what_holds_without_training_is_trained_as_was_asked_and_cut_no_more_than_needed():
    tried, reached = run(lambda share: 1 / (1 - share) ** 2)
    assert reached
    assert [config.epochs for config in tried] == [0] * (len(tried) - 1) + [2]
    assert 0.28 <= tried[-1].sparsity <= 0.35
    tried, reached = run(lambda share: 1 / (1 - share), trains=False)  # with nothing to train with, a look is the whole
    assert reached
    assert len(tried) <= 8


def test_what_is_timed_is_reached_with_something_to_spare():
    tried, reached = run(lambda share: 1 / (1 - share), lambda config: config.epochs > 0)
    assert reached
    assert 1 / (1 - tried[-1].sparsity) >= 2 * 1.04  # by the curve; without something to spare it is 2.00


def test_a_target_out_of_reach_ends_the_search():
    tried, reached = run(lambda share: 1 + 0.5 * share)
    assert not reached
    assert tried[-1].sparsity > 0.92
    assert len(tried) <= 3


def test_a_quality_that_does_not_hold_has_the_next_way_tried_and_then_ends():
    ways = [way(), way(importance="taylor")]
    tried, reached = run(lambda share: 1 / (1 - share), lambda config: False, ways=ways)
    assert not reached
    assert [(config.importance, config.epochs) for config in tried[-2:]] == [("l2", 2), ("taylor", 2)]
    tried, reached = run(lambda share: 1 / (1 - share), lambda config: config.importance == "taylor", ways=ways)
    assert reached
    assert tried[-1].importance == "taylor"


def test_a_trained_one_that_falls_short_is_tried_a_little_smaller():
    looks = {}

    def speed(share):
        looks[share] = looks.get(share, 0) + 1
        return (1 / (1 - share)) * (0.9 if looks[share] > 1 else 1.0)

    tried, reached = run(speed, lambda config: config.epochs > 0)
    assert reached
    assert tried[-1].sparsity == pytest.approx(tried[-2].sparsity + 0.05)


def test_a_share_too_small_to_change_anything_is_as_good_as_no_speed():
    _, reached = run(
        lambda share: None if share < 0.45 else 1 / (1 - share), lambda config: config.epochs > 0, too_small=True
    )
    assert reached
    tried, _ = run(lambda share: None, too_small=True)  # and it ends when all are
    assert tried[-1].sparsity > 0.92


def test_of_a_trial_that_did_not_end_nothing_is_learnt():
    stalls = iter([None, None])
    tried, reached = run(lambda share: next(stalls, 1 / (1 - share)), lambda config: config.epochs > 0)
    assert reached
    assert tried[-1].sparsity < 0.6
    tried, reached = run(lambda share: None)
    assert not reached
    assert len(tried) == 3


def test_a_size_and_a_time_are_targets_too():
    found = comparison(2.0)
    size, time = found.optimized.size_bytes, found.optimized.latency.p50_ms
    assert Target("size", size).met(found)
    assert not Target("size", size - 1).met(found)
    assert Target("latency", time).met(found)
    assert Target("latency", 100 * found.original.latency.p50_ms).already(found)
    assert not TWICE.already(found)
    asked = (("size", 5e6), ("size", 3e4), ("latency", 3.0), ("latency", 5e3), ("speedup", 1.5))
    assert [str(Target(*each)) for each in asked] == ["5 MB", "30 kB", "3 ms", "5 s", "1.5×"]


def test_a_speed_counts_as_reached_only_as_far_as_the_timing_can_tell():
    near, sure = measured(1.97), replace(measured(1.97), speedup_interval=Interval(1.96, 1.98))
    assert TWICE.met(replace(near, speedup_interval=Interval(1.9, 2.05)))
    assert not TWICE.met(sure)
    assert not TWICE.met(replace(measured(1.5), speedup_interval=Interval(0.8, 3.0)))  # noise is no proof


def test_a_goal_with_a_target_says_what_is_missing_and_prefers_the_least_damage():
    goal = Goal(target=TWICE)
    assert goal.decide(measured(2.5)).improves
    short = goal.decide(measured(1.5))
    assert not short.improves
    assert "1.50× is short of 2×" in short.reason
    assert not goal.only_speed_counts
    gentle, harsh = (replace(measured(2.5), quality_drop=drop) for drop in (0.001, 0.02))
    assert goal.gain(gentle) > goal.gain(harsh)
    already = Goal("latency", target=Target("latency", 1e9)).decide(measured(2.5))
    assert not already.improves
    assert "the original itself is within" in already.reason


def test_a_target_that_the_original_meets_is_no_matter_of_quality():
    """One that loses too much beside it says nothing of what binds: nothing does."""
    search = run_search([measured(2.5, held=False)] * 3, goal=Goal(target=Target("latency", 1e9)))
    assert search.winner is None
    assert re.match(r"the original itself is within .* already: .* ms\. Ask for less", search.misses.nothing_to_reach)
    search = run_search([measured(1.5)] * 3, goal=Goal(target=TWICE))
    assert search.misses.nothing_to_reach is None
    assert "2× is out of reach; nearest miss 1.50×" in search.misses.missed_target
