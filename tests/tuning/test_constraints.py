"""Limits as they are written, kept to, broken and told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports_by_hand import comparison
from search_by_hand import RECIPES, run, statuses

from tauto.config import Constraints, Drop
from tauto.errors import InvalidArgument
from tauto.reports import Interval, Memory
from tauto.tuning import Goal, Target, targets_of
from tauto.tuning.space import chosen_techniques
from tauto.verbs.targets import parse_budget, parse_target

# the original by hand: 8.42 ms, p95 9.43 ms, 5.42 MB, 61 MB in use
ORIGINAL_MS = 8.42


def goal(objective="latency", **limits):
    return Goal(objective, constraints=targets_of(Constraints(**limits)))


def weighing(size_ratio, speedup=2.0, memory_ratio=0.71):
    """Return a comparison of a candidate of that size."""
    found = comparison(speedup)
    optimized = replace(found.optimized, size_bytes=int(size_ratio * found.original.size_bytes))
    return replace(found, optimized=optimized, size_ratio=size_ratio, memory_ratio=memory_ratio)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"max_latency_ms": 0}, "max_latency_ms: 0 is no limit"),
        ({"min_throughput": float("nan")}, "min_throughput: nan is no limit"),
        ({"max_size_bytes": "5MB"}, "max_size_bytes: '5MB' is no limit"),
        ({"max_preparation_s": True}, "max_preparation_s: True is no limit"),
        ({"max_latency_ms": 5, "max_p95_ms": 3}, "no p95 is below its median"),
        ({"max_drop": "two"}, "max_drop: 'two' is not a drop"),
    ],
)
def test_what_is_no_limit_is_named(limits, says):
    with pytest.raises(InvalidArgument, match=says):
        Constraints(**limits)


def test_options_are_read_with_their_units():
    found = Constraints.parse(
        max_drop="1%",
        max_latency="3ms",
        max_p95="0.005s",
        min_throughput="200",
        max_memory="200MB",
        max_size="5MiB",
        max_preparation="1min",
    )
    assert found == Constraints(Drop(0.01, True), 3.0, 5.0, 200.0, 2e8, 5 * 2.0**20, 60.0)
    with pytest.raises(InvalidArgument, match="max_size: 'big' is no size"):
        Constraints.parse(max_size="big")
    with pytest.raises(InvalidArgument, match="min_throughput: 'many' is no number"):
        Constraints.parse(min_throughput="many")


@given(
    st.floats(1e-3, 1e9), st.sampled_from(["max_latency_ms", "min_throughput", "max_size_bytes", "max_memory_bytes"])
)
def test_a_limit_is_kept_exactly_up_to_itself(value, name):
    (limit,) = targets_of(Constraints(**{name: value}))
    found = comparison()
    latency = replace(found.optimized.latency, p50_ms=value, throughput_per_s=value)
    at = replace(found.optimized, latency=latency, size_bytes=value, memory=Memory(value, None))
    assert limit.kept(replace(found, optimized=at))
    factor = 0.99 if name == "min_throughput" else 1.01
    latency = replace(latency, p50_ms=factor * value, throughput_per_s=factor * value)
    over = replace(at, latency=latency, size_bytes=factor * value, memory=Memory(factor * value, None))
    assert not limit.kept(replace(found, optimized=over))


def test_a_faster_one_that_breaks_a_limit_is_rejected_by_name():
    decision = goal(max_size_bytes=1e6).decide(comparison(3.0))
    assert not decision.improves
    assert "1.39 MB breaks the size of at most 1 MB" in decision.reason


def test_a_memory_that_is_not_known_keeps_to_no_limit():
    found = comparison(3.0)
    unknown = replace(found, optimized=replace(found.optimized, memory=Memory(None, None, "no time")))
    assert "unknown memory breaks the memory of at most 90 MB" in goal(max_memory_bytes=9e7).decide(unknown).reason
    assert goal(max_memory_bytes=9e7).decide(found).improves
    assert goal(max_memory_bytes=9e7).needs_memory
    assert not goal(max_size_bytes=1).needs_memory


def test_where_the_original_breaks_a_limit_keeping_to_it_is_the_improvement():
    slow = weighing(0.2, speedup=0.7)
    decision = goal(max_size_bytes=2e6).decide(slow)
    assert decision.improves
    assert "1.08 MB keeps to the size of at most 2 MB, which the original does not" in decision.reason
    assert not goal(max_size_bytes=9e6).decide(slow).improves, "the original keeps to that, and is faster"
    assert goal(max_preparation_s=60).decide(comparison(3.0)).improves
    assert not goal(max_preparation_s=5).decide(comparison(3.0)).improves, "it took 6.42 s"


def test_less_memory_and_a_smaller_size_may_cost_some_time():
    assert goal("size").decide(weighing(0.5, 1.0)).improves
    assert goal("memory").decide(weighing(1.0, 1.0, 0.5)).improves
    assert not goal("memory").decide(weighing(0.2, 1.0, None)).improves
    slower = goal("size").decide(weighing(0.5, 0.7))
    assert slower.improves
    assert "2.0× smaller, slower: 0.70×" in slower.reason
    assert "more than twice the time" in goal("size").decide(weighing(0.5, 0.4)).reason
    assert not goal("size").decide(weighing(0.5, 0.4)).improves
    assert goal("size", max_latency_ms=40).decide(weighing(0.5, 0.4)).improves
    assert goal("size").gain(weighing(0.25)) > goal("size").gain(weighing(0.5))
    assert goal("memory").gain(weighing(1.0, 2.0, 0.25)) > goal("memory").gain(weighing(0.1, 9.0, 0.5))
    assert goal("throughput").gain(comparison(3.0)) > goal("throughput").gain(comparison(2.0))


def test_the_best_that_keeps_to_all_wins():
    search = run([weighing(0.9, 4.0), weighing(0.2, 2.0), weighing(0.3, 3.0)], goal=goal(max_size_bytes=2e6))
    assert search.winner == 2
    assert statuses(search) == ["rejected", "rejected", "kept"]
    assert "breaks the size of at most 2 MB" in search.trials[0].reason
    assert search.misses.nearest is None


def test_what_cannot_be_had_names_what_binds_and_what_would_have_to_give():
    search = run([weighing(0.9, 4.0), weighing(0.5, 0.9), comparison(-2.0, held=False)], goal=goal(max_size_bytes=1e6))
    assert search.winner is None
    assert search.misses.nearest == 1
    assert search.misses.missed_constraints == (
        f"the size of at most 1 MB is what binds; nearest miss, {RECIPES[1].title}: it would do with 2.71 MB "
        "instead of 1 MB"
    )


def test_the_original_is_the_nearest_miss_where_no_trial_comes_nearer():
    search = run([0.5, 0.8, comparison(-2.0, held=False)], goal=goal(max_latency_ms=8, max_p95_ms=9))
    assert search.winner is None
    assert (search.misses.nearest, search.misses.original_nearest) == (None, True)
    assert search.misses.missed_constraints == (
        "the latency of at most 8 ms is what binds; nearest miss, the original itself: it would do with 8.42 ms "
        "instead of 8 ms and 9.43 ms instead of 9 ms"
    )
    faster = run([0.5, 1.2, 0.8], goal=goal(max_latency_ms=5))
    assert (faster.misses.nearest, faster.misses.original_nearest) == (1, False)


def test_an_original_that_keeps_to_all_is_no_miss():
    search = run([0.9, 1.0, 0.5], goal=goal(max_latency_ms=20))
    assert search.winner is None
    assert search.misses.missed_constraints is None


def test_a_slower_start_is_not_given_up_where_a_limit_counts():
    assert run([2.0, 1.0, 1.0]).bench.bars == [pytest.approx(0.9), pytest.approx(1.8), pytest.approx(1.8)]
    assert run([2.0, 1.0, 1.0], goal=goal(max_size_bytes=9e6)).bench.bars == [None] * 3


def test_good_enough_ends_the_search():
    search = run([1.5, 2.5, 9.0], stop_at=Target("speedup", 2.0))
    assert search.winner == 1
    assert statuses(search) == ["rejected", "kept", "skipped"]
    assert "channels_last was good enough: 2.50× for 2×" in search.trials[2].reason


def test_a_budget_of_trials():
    search = run([1.5, 2.5, 9.0], most_trials=2)
    assert statuses(search) == ["rejected", "kept", "skipped"]
    assert search.trials[2].reason == "the budget was 2 trials"
    assert parse_budget("2 trials") == (360.0, 2)
    assert parse_budget("1 Trial")[1] == 1
    assert parse_budget(90) == (90.0, None)
    for wrong in ("0 trials", "two trials"):
        with pytest.raises(InvalidArgument, match="trial"):
            parse_budget(wrong)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2x", "speedup of at least 2×"),
        ("3 ms", "latency of at most 3 ms"),
        ("5MB", "size of at most 5 MB"),
        ("200/s", "throughput of at least 200 samples/s"),
    ],
)
def test_what_is_good_enough_is_read_by_its_unit(text, words):
    assert parse_target(text).words == words


@pytest.mark.parametrize("wrong", ["fast", "", "-3ms", "5 apples", 3])
def test_what_is_nothing_to_reach_is_named(wrong):
    with pytest.raises(InvalidArgument, match="stop_at"):
        parse_target(wrong)


def test_a_technique_both_wanted_and_left_out():
    with pytest.raises(InvalidArgument, match="'compile' stands in only, too"):
        chosen_techniques(only=["compile"], without=["compile"])


def test_near_is_good_enough_for_what_is_asked_and_not_for_a_limit():
    found = replace(comparison(1.96), speedup_interval=Interval(1.9, 2.02))
    assert Target("speedup", 2.0).met(found)
    assert not Target("speedup", 2.0).kept(found)
