"""How a search that runs is watched, and ended from elsewhere."""

from __future__ import annotations

import threading
import time

import pytest
from reports_by_hand import tuning
from search_by_hand import RECIPES, Clock, HandBench

import tauto
from tauto.events import StopRequested, StopSwitch, check_stop, ended_by_switch, listening, stoppable
from tauto.reports import StudyReport
from tauto.tuning.budget import Budget
from tauto.tuning.search import Search
from tauto.tuning.space import Space


def watched(speedups, hear):
    table = dict(zip((recipe.title for recipe in RECIPES), speedups, strict=True))
    clock = Clock()
    search = Search(HandBench(clock, table), Budget(1000.0, clock=clock), head=tuning)
    with listening(hear):
        search.run(Space(tuple(RECIPES), ()))
    return search


def test_each_word_can_be_asked_how_the_search_stands():
    seen = []
    search = watched([1.5, 0.9, 2.0], lambda progress: seen.append((progress.message, progress.standing())))
    first, last = seen[0][1], seen[-1][1]
    assert (first.trials, first.best, [one.number for one in first.under_way]) == ((), None, [0])
    assert first.under_way[0].title == RECIPES[0].title
    ended = [len(standing.trials) for _, standing in seen]
    assert ended == sorted(ended)
    assert len(last.trials) == 3
    assert last.best == search.winner == 2
    assert last.under_way == ()
    assert seen[-1][0].startswith("confirming")


def test_a_switch_ends_a_search_once_and_the_best_is_confirmed():
    switch = StopSwitch()

    def hear(progress):
        if len(progress.standing().trials) == 1:
            threading.Thread(target=switch.press).start()
            assert switch._pressed.wait(5)

    with stoppable(switch):
        search = watched([1.5, 3.0, 2.0], hear)
        assert ended_by_switch()
        check_stop()  # pressed twice acts once
    assert not ended_by_switch()
    assert [trial.status for trial in search.trials] == ["kept", "skipped", "skipped"]
    assert search.trials[1].reason == "stopped before it was measured"
    assert search.interrupted


def test_a_switch_is_of_its_own_context_alone():
    switch = StopSwitch()
    switch.press()
    check_stop()
    with stoppable(switch), pytest.raises(StopRequested):
        check_stop()


def objective():
    time.sleep(0.1)  # long enough to be seen at work
    return tauto.suggest.float("x", 0, 1)


def test_a_study_tells_its_trials_and_ends_by_a_switch_with_its_result(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    switch, seen = StopSwitch(), []

    def hear(progress):
        seen.append(progress.standing())
        if sum(trial.state == "complete" for trial in seen[-1].trials) >= 2:
            switch.press()

    with stoppable(switch), listening(hear):
        result = tauto.tune(objective, trials=500, study="watched", seed=3)
    assert result.report.interrupted
    assert result.report.stopped == "it was stopped by hand"
    last = seen[-1]
    assert isinstance(last.head, StudyReport)
    assert (last.head.name, last.head.trials, last.head.wanted) == ("watched", (), 500)
    assert [knob.name for knob in last.head.knobs] == ["x"]
    complete = {trial.number: trial.values[0] for trial in last.trials if trial.state == "complete"}
    assert last.best == max(complete, key=complete.get)
    assert any(standing.under_way for standing in seen)
