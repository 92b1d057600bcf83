"""The search on a bench made by hand: what it keeps, rejects, skips and says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reports_by_hand import comparison
from search_by_hand import RECIPES, UNEXPORTABLE, Clock, HandBench, run, statuses

from tauto.errors import TrialFailed
from tauto.events import Progress, listening
from tauto.recipes import Recipe
from tauto.reports import Interval
from tauto.tuning.bench import Attempt
from tauto.tuning.budget import Budget
from tauto.tuning.objective import Goal
from tauto.tuning.proposals import CANNOT_WIN, Proposals
from tauto.tuning.search import Search
from tauto.tuning.space import Space
from tauto.tuning.trial_progress import ProgressFile, last_progress

SHAPES = ("example", "dynamic")


def test_the_fastest_is_kept_and_the_others_say_what_beat_them():
    search = run([2.0, 3.0, 1.0])
    assert search.winner == 1
    assert search.recipe == RECIPES[1]
    assert search.confirmed.speedup == 3.0
    assert statuses(search) == ["rejected", "kept", "rejected"]
    assert "but channels_last is better" in search.trials[0].reason
    assert search.trials[2].reason.startswith("no faster")


def test_nothing_better_keeps_the_original():
    search = run([1.0, 0.5, "crashed with SIGSEGV (signal 11)"])
    assert search.winner is None
    assert search.recipe is None
    assert statuses(search) == ["rejected", "rejected", "failed"]
    assert "SIGSEGV" in search.trials[2].reason


def test_a_faster_one_that_loses_quality_is_the_nearest_miss():
    search = run([-3.0, "crashed", -2.0])
    assert search.winner is None
    assert "quality does not hold" in search.trials[0].reason
    assert search.misses.nearest_miss.startswith("fold_batchnorm: faster: 3.00×")


def test_wrong_outputs_are_a_near_miss_too():
    search = run(["wrong outputs: cosine 0.5", "crashed", "crashed"])
    assert search.trials[0].status == "rejected"
    assert "wrong outputs" in search.misses.nearest_miss


def test_one_that_held_its_quality_makes_no_miss():
    assert run([-3.0, 1.0, -2.0]).misses.nearest_miss is None


def test_what_needs_the_same_export_is_not_tried_after_it_failed():
    exporting = [
        Recipe.of("openvino"),
        Recipe.of("onnxruntime"),
        Recipe.of("fold_batchnorm", "onnxruntime"),  # another model is exported
        Recipe.of("channels_last"),
        Recipe.of("aot_inductor"),
    ]
    search = run([UNEXPORTABLE, 9.0, 3.0, 2.0, 9.0], recipes=exporting)
    assert statuses(search) == ["failed", "skipped", "kept", "rejected", "skipped"]
    assert search.trials[1].reason == "the model cannot be exported (trial 0: control flow)"


def test_what_follows_is_proposed_by_what_was_measured():
    asked = []

    def follow(trials):
        asked.append([trial.comparison.quality_held for trial in trials])
        return RECIPES[1] if len(trials) == 1 else None

    search = run([-3.0, 2.0, 9.0], space=Space((RECIPES[0],), (), follow))
    assert asked == [[False], [False, True]]
    assert search.recipe == RECIPES[1]
    assert len(search.trials) == 2


def proposing(goal=None):
    proposals = Proposals(RECIPES, goal or Goal())
    return Space(tuple(RECIPES[:2]), (), proposals, rest=proposals.rest, notes={RECIPES[1].digest: "it won before"})


def test_it_ends_when_nothing_left_can_win_and_says_so():
    search = run([1.0, 2.0, "never tried"], space=proposing())
    assert statuses(search) == ["rejected", "kept", "skipped"]
    assert search.trials[2].reason == CANNOT_WIN
    assert search.ended == "nothing that was left could beat the best by more than its interval"
    assert search.trials[1].notes == ("Tried early: it won before.",)
    going_on = run([1.5, 2.0, 2.6], space=proposing())
    assert statuses(going_on) == ["rejected", "rejected", "kept"]
    assert going_on.ended == ""


def test_what_the_budget_left_out_is_told_of_all_that_is_legal():
    search = run([1.5, 2.0, 2.6], space=proposing(), most_trials=1)
    assert statuses(search) == ["kept", "skipped", "skipped"]
    assert {trial.reason for trial in search.trials[1:]} == {"the budget was 1 trial"}
    assert search.ended == "the budget was 1 trial"
    assert [trial.number for trial in search.trials] == [0, 1, 2]


def test_what_is_preferred_comes_before_what_is_better():
    space = Space(tuple(RECIPES), (), prefers=lambda recipe: recipe == RECIPES[0])
    search = run([2.0, 3.0, 4.0], space=space)
    assert search.winner == 0
    assert search.trials[1].reason.endswith(", but fold_batchnorm is preferred")
    assert run([1.0, 3.0, 4.0], space=space).winner == 2  # it does not improve


def test_what_does_not_improve_is_discarded_at_once():
    assert run([1.0, 3.0, "crashed"]).bench.discarded == ["fold_batchnorm", "fold_batchnorm → channels_last"]


def test_one_that_hangs_leaves_time_for_those_after_it():
    class Hanging(HandBench):
        def _answer(self, answer, wall_limit_s):
            self.cost_s = 1e9 if answer == "hangs" else 10.0
            return super()._answer(answer, wall_limit_s)

    clock = Clock()
    table = dict(zip((recipe.title for recipe in RECIPES), ["hangs", 2.0, 1.0], strict=True))
    search = Search(Hanging(clock, table), Budget(120.0, clock=clock), Goal())
    search.run(Space(tuple(RECIPES), ()))
    assert statuses(search) == ["failed", "kept", "rejected"]
    assert search.budget.elapsed_s <= 120.0


def test_the_last_one_may_use_all_the_time_that_is_not_kept_back():
    limits = []

    class Noting(HandBench):
        def _answer(self, answer, wall_limit_s):
            limits.append(wall_limit_s)
            return Attempt(0.0, failure="crashed")

    clock = Clock()
    search = Search(Noting(clock, {recipe.title: 1.0 for recipe in RECIPES}), Budget(1000.0, clock=clock), Goal())
    search.run(Space(tuple(RECIPES), ()))
    assert limits == [
        240.0,
        300.0,
        800.0,
    ]  # of the 600 s that are not kept back: the least share, a half; of the last, all but loading


COMPILED = [Recipe.of(("compile", {"freezing": one, "shapes": two})) for one in (True, False) for two in SHAPES]


class Slow(HandBench):
    """Each trial needs ``cost_s``; the limits are noted."""

    def _answer(self, answer, wall_limit_s):
        self.bars.append(wall_limit_s)
        return super()._answer(answer, wall_limit_s)


@pytest.mark.parametrize(
    ("cost_s", "limits", "told"),
    [
        (40.0, [60.0], ["kept", "skipped", "skipped", "skipped"]),
        (70.0, [60.0, 32.0], ["failed", "failed", "skipped", "skipped"]),
    ],
)
def test_what_runs_in_one_engine_is_not_cut_off_for_others_of_its_kind(cost_s, limits, told):
    clock = Clock()
    bench = Slow(clock, {recipe.title: 2.0 for recipe in COMPILED}, cost_s=cost_s)
    search = Search(bench, Budget(100.0, clock=clock), Goal())
    search.run(Space(tuple(COMPILED), ()))
    assert bench.bars[1 : 2 * len(limits) : 2] == [pytest.approx(limit) for limit in limits]
    assert statuses(search) == told, [trial.reason for trial in search.trials]


def test_what_was_stopped_says_what_it_had_and_what_to_give():
    clock = Clock()
    search = Search(Slow(clock, {COMPILED[0].title: 2.0}, cost_s=1e3), Budget(150.0, clock=clock), Goal())
    search.run(Space((COMPILED[0],), ()))
    assert search.trials[0].reason == 'stopped after 2 min; give budget="5min", and it has twice that'
    assert search.candidates.stopped_after == [120.0]


def test_where_quality_control_may_follow_the_last_listed_one_leaves_time_for_it():
    limits = []

    class Noting(HandBench):
        def _answer(self, answer, wall_limit_s):
            limits.append(wall_limit_s)
            self.cost_s = 100.0
            return super()._answer(answer, wall_limit_s)

    class Control:
        def reports(self):
            return ()

    clock = Clock()
    table = dict(zip((recipe.title for recipe in RECIPES), [-2.0, -2.0, 2.0], strict=True))
    search = Search(Noting(clock, table), Budget(1000.0, clock=clock), Goal())
    follow = lambda trials: RECIPES[2] if len(trials) == 2 else None  # noqa: E731
    search.run(Space(tuple(RECIPES[:2]), (), follow, control=Control()))
    # a share, then the larger one of the last; what follows may take 1.5 times as long as what was measured
    assert limits[:3] == [pytest.approx(240.0), pytest.approx(324.0), pytest.approx(192.0)]
    assert search.recipe == RECIPES[2]


def test_a_full_disk_in_one_trial_keeps_what_was_found():
    assert run([2.0, TrialFailed("no space is left"), 1.0]).winner == 0
    assert run([2.0, OSError("too many files"), 1.0]).trials[1].reason == "too many files"


def test_a_best_that_is_not_confirmed_gives_way_to_the_next():
    search = run([2.0, 3.0, 1.0], confirmed={"channels_last": 1.0})
    assert search.winner == 0
    assert statuses(search) == ["kept", "rejected", "rejected"]
    assert "not confirmed in a fresh process" in search.trials[1].reason


def test_a_best_that_dies_when_confirmed_gives_way_too():
    search = run([2.0, 3.0, 1.0], confirmed={"channels_last": "was killed", "fold_batchnorm": "wrong outputs"})
    assert search.winner is None
    assert "was killed" in search.trials[1].reason
    assert "wrong outputs" in search.trials[0].reason


def test_the_budget_is_hard_and_keeps_time_to_confirm():
    search = run([2.0, 3.0, 4.0], total_s=35.0)
    assert search.budget.elapsed_s <= 35.0
    assert search.winner is not None
    assert statuses(search)[-1] in {"failed", "skipped"}


def test_a_budget_for_nothing_skips_everything():
    search = run([2.0, 3.0, 4.0], total_s=0.5)
    assert statuses(search) == ["skipped"] * 3
    assert "budget" in search.trials[0].reason


def test_an_interrupt_confirms_the_best_so_far():
    search = run([2.0, KeyboardInterrupt(), 4.0])
    assert search.interrupted
    assert search.winner == 0
    assert statuses(search) == ["kept", "skipped", "skipped"]
    assert "stopped" in search.trials[1].reason


def test_a_second_interrupt_ends_at_once():
    search = run([2.0, KeyboardInterrupt(), 4.0], confirmed={"fold_batchnorm": KeyboardInterrupt()})
    assert search.interrupted
    assert search.winner is None


def test_later_candidates_are_raced_against_the_best_so_far():
    assert run([3.0, 1.0, 1.0]).bench.bars == [0.9, pytest.approx(2.7), pytest.approx(2.7)]
    assert run([3.0, 1.0, 1.0], goal=Goal(or_smaller=True)).bench.bars == [None] * 3


def test_as_fast_and_smaller_is_an_improvement_when_asked():
    assert run([1.0, 0.5, 0.5]).winner is None
    assert run([1.0, 0.5, 0.5], goal=Goal(or_smaller=True)).winner == 0


def test_a_recipe_asked_for_is_kept_though_slower_but_not_when_wrong():
    asked = Goal(as_asked=True)
    assert run([0.5], goal=asked, recipes=RECIPES[:1]).winner == 0
    assert run([-3.0], goal=asked, recipes=RECIPES[:1]).winner is None


def test_what_is_done_once_for_a_machine_is_no_part_of_a_budget():
    clock = Clock()
    budget = Budget(100.0, clock=clock)
    clock.now = 10.0
    with budget.standing_still():
        clock.now = 70.0
    assert (budget.elapsed_s, budget.left_s) == (10.0, 90.0)


def test_a_limit_is_not_told_as_time_left():
    told = []
    with listening(told.append):
        run([2.0], recipes=RECIPES[:1], goal=Goal(as_asked=True))
    trying, confirming = told[0], told[-1]
    assert trying.message.startswith("trial 1 of 1")
    assert (trying.seconds_left, trying.done) == (None, None)
    assert confirming.seconds_left < 60, "what confirming it is expected to cost, of 1000 s"


class TestGoal:
    @pytest.mark.parametrize(
        ("speedup", "low", "high", "improves", "words"),
        [
            (0.58, 0.32, 1.06, False, "3.9× smaller, no faster: 0.58× (0.32–1.06)"),
            (0.98, 0.95, 1.01, True, "as fast (0.98×, 0.95–1.01) and"),
            (1.05, 0.30, 3.00, True, "not shown to be slower (1.05×, 0.30–3.00) and"),
            (2.04, 0.36, 11.57, True, "3.9× smaller, not shown to be faster: between 0.36× and 11.57×, since"),
            (5.30, 1.00, 28.44, True, "3.9× smaller, not shown to be faster: between 1.00× and 28.44×, since"),
        ],
    )
    def test_as_fast_is_what_noise_leaves_likely(self, speedup, low, high, improves, words):
        small = replace(comparison(1.0), speedup=speedup, speedup_interval=Interval(low, high))
        decision = Goal(or_smaller=True).decide(small)
        assert decision.improves is improves
        assert decision.reason.startswith(words)

    def test_size_counts_when_it_is_the_objective(self):
        small = comparison(1.0)
        assert Goal("size").decide(small).improves
        assert Goal("size").decide(replace(small, size_ratio=0.95)).improves is False
        assert Goal("size").decide(comparison(0.4)).improves is False
        assert Goal("size").gain(small) == pytest.approx(1 / small.size_ratio)

    def test_of_those_as_small_the_faster_is_the_better(self):
        goal, small, fast = Goal("size"), comparison(1.0), comparison(2.0)
        hardly = replace(small, size_ratio=small.size_ratio * 0.999)
        clearly = replace(small, size_ratio=small.size_ratio / 2)
        assert goal.rank(small) == goal.rank(hardly)
        assert goal.rank(hardly) < goal.rank(fast) < goal.rank(clearly)
        assert run([1.0, 1.5, 1.2], goal=goal).winner == 1

    def test_latency_counts_what_the_interval_guarantees(self):
        assert Goal().gain(comparison(2.0)) == pytest.approx(1.9)


class TestBudget:
    def test_time_left_comes_from_measured_trials(self):
        clock = Clock()
        budget = Budget(100.0, reserve_s=10.0, clock=clock)
        assert budget.seconds_left(5) is None, "a limit is no estimate"
        clock.now = 8.0
        budget.spent(8.0)
        assert budget.seconds_left(3) == 34.0
        assert budget.left_for_trials_s == 82.0
        clock.now = 95.0
        assert budget.left_for_trials_s == 0.0

    def test_a_cut_never_lengthens(self):
        budget = Budget(10.0, clock=Clock())
        budget.cut_to(50.0)
        assert budget.left_s == 10.0
        budget.cut_to(3.0)
        assert budget.left_s == 3.0
        assert budget.total_s == 10.0


def test_how_far_a_training_is_is_told_with_the_time_left():
    told, clock = [], Clock()
    bench = HandBench(clock, {RECIPES[0].title: 2.0}, training=("epoch 2, step 7 of 9, loss 0.5", 30.0))
    with listening(told.append):
        Search(bench, Budget(1000.0, clock=clock)).run(Space((RECIPES[0],), ()))
    assert told[0].message == "trial 1 of 1: fold_batchnorm, epoch 2, step 7 of 9, loss 0.5"
    assert told[0].seconds_left == pytest.approx(30.0 + 12.0), "what it takes to time it comes after it"


def test_what_a_trial_writes_of_its_progress_is_read_whole_or_not_at_all(tmp_path):
    file = tmp_path / "recipe.told"
    assert last_progress(file) == ("", None)
    write = ProgressFile(file)
    write(Progress("prune", "epoch 1", seconds_left=2.5))
    write(Progress("prune", "epoch 2", seconds_left=2.4))  # too soon to be worth it
    assert last_progress(file) == ("epoch 1", 2.5)
