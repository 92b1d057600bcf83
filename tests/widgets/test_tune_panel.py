"""The panel of a search without a browser: what it sends, what its buttons do, and who may press them when."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from reports_by_hand import trials, tuning
from study_by_hand import study

from tauto.errors import InvalidArgument
from tauto.events import Progress, StopRequested, check_stop, emit, ended_by_switch
from tauto.reports import Standing, UnderWay
from tauto.results import StudyResult, TuningResult
from tauto_widgets import TunePanel
from tauto_widgets.subshells import answer_where_asked


@pytest.fixture
def panel(monkeypatch):
    monkeypatch.setattr(TunePanel, "_esm", "export default {}")
    monkeypatch.setattr("tauto_widgets.tune._EVERY_S", 0.0)
    made = TunePanel(names={"taken": 1})
    made.sent = []
    monkeypatch.setattr(made, "send", lambda content: made.sent.append(content))
    yield made
    made.close()


def say(panel, **content):
    """What the front end does by ``model.send``."""
    panel._heard(panel, content, [])


def tell(ended, best=None, message="trial", under_way=()):
    head = replace(tuning(), trials=(), winner=None)
    emit(Progress("autotune", message, 0.5, 12.0, lambda: Standing(head, tuple(ended), under_way, best)))


def test_only_what_changed_is_sent_and_all_of_it_is_kept(panel):
    ended = trials()[:3]
    with panel.watching():
        tell(ended[:1])
        tell(ended[:1])
        tell(ended[:2], best=1, under_way=(UnderWay(2, "fold_batchnorm"),))
        tell((ended[0], replace(ended[1], reason="measured again")), best=1)
    numbers = [[trial["number"] for trial in one["trials"]] for one in panel.sent]
    assert numbers == [[0], [1], [1]]
    assert [trial["number"] for trial in panel.trials] == [0, 1]
    assert panel.trials[1]["reason"] == "measured again"
    assert (panel.best, panel.report["trials"], panel.report["kind"]) == (1, [], "tuning")
    assert panel.progress == {"message": "trial", "done": 0.5, "seconds_left": 12.0}
    assert panel.get_state()["trials"] == panel.trials  # a page that is opened later has all of them


def test_updates_are_not_more_frequent_than_a_page_can_draw(panel, monkeypatch):
    monkeypatch.setattr("tauto_widgets.tune._EVERY_S", 60.0)
    with panel.watching():
        tell(trials()[:1])
        tell(trials()[:2])
    assert [trial["number"] for trial in panel.trials] == [0]


def test_stop_from_another_thread_ends_the_search_once(panel):
    with panel.watching():
        assert panel.phase == "running"
        for _ in range(2):  # a button pressed twice
            thread = threading.Thread(target=say, args=(panel,), kwargs={"kind": "stop", "search": panel.search})
            thread.start()
            thread.join()
        assert panel.phase == "running"  # the other thread sets nothing
        tell(())
        assert panel.phase == "stopping"
        with pytest.raises(StopRequested):
            check_stop()
        check_stop()
        assert ended_by_switch()
    assert [one["kind"] for one in panel.sent] == ["stopping", "stopping"]


def test_a_stop_that_comes_late_stops_no_other_search(panel):
    with panel.watching():
        first = panel.search
    panel.ended(TuningResult(tuning()))
    with panel.watching():
        say(panel, kind="stop", search=first)
        check_stop()
    panel.ended(TuningResult(tuning()))
    say(panel, kind="stop", search=panel.search)
    assert panel.sent == []


def test_a_ping_is_answered(panel):
    say(panel, kind="ping", id=7)
    assert panel.sent == [{"kind": "pong", "id": 7, "phase": "waiting"}]


def test_any_trial_shows_its_recipe_and_script_also_while_the_search_runs(panel):
    with panel.watching():
        say(panel, kind="choose", number=0)
        tell(trials()[:2])
        say(panel, kind="choose", number=1)
    assert panel.sent[0] == {"kind": "chosen", "number": 0, "trouble": "trial: nothing was tried yet."}
    assert "openvino" in panel.sent[-1]["recipe"]
    assert "import torch" in panel.sent[-1]["script"]
    panel.ended(TuningResult(tuning()))
    say(panel, kind="choose", number=99)
    assert "there is no 99" in panel.sent[-1]["trouble"]


def test_the_winner_is_put_under_a_name_that_is_free(panel):
    model = object()
    panel.ended(TuningResult(tuning(), model))
    winner = panel.best
    for name, refused in (("taken", "in use"), ("1x", "not a name"), ("print", "Python's"), ("class", "not a name")):
        say(panel, kind="use", number=winner, name=name)
        assert (panel.use["state"], refused in panel.use["message"]) == ("refused", True)
    assert panel._names.names == {"taken": 1}
    say(panel, kind="use", number=winner, name=" fast ")
    assert panel._names.names["fast"] is model
    say(panel, kind="use", number=winner, name="taken", over=True)
    assert panel._names.names["taken"] is model
    assert panel.use["message"] == f"taken is the model of trial {winner}."


def applying(made, monkeypatch, model=None):
    result = TuningResult(tuning(), model)
    monkeypatch.setattr(result, "apply", made)
    return result


def test_another_trial_is_made_again_beside_the_kernel_and_once(panel, monkeypatch):
    go, calls, model = threading.Event(), [], object()

    def apply(number):
        calls.append(number)
        emit(Progress("apply", "preparing", 0.2, 3.0))
        assert go.wait(10)
        return TuningResult(tuning(), model)

    panel.ended(applying(apply, monkeypatch))
    say(panel, kind="use", number=0, name="other")
    say(panel, kind="use", number=0, name="other")
    go.set()
    panel._worker.join(10)
    assert calls == [0]
    assert panel._names.names["other"] is model
    assert panel.use["state"] == "done"


@pytest.mark.parametrize("error", [InvalidArgument("apply: gone."), MemoryError("no room")])
def test_what_goes_wrong_while_making_it_is_said(panel, monkeypatch, error):
    def apply(number):
        raise error

    panel.ended(applying(apply, monkeypatch))
    say(panel, kind="use", number=0, name="other")
    panel._worker.join(10)
    assert panel.use["state"] == "failed"
    assert str(error) in panel.use["message"]
    assert "other" not in panel._names.names


def test_what_is_not_better_is_written_nowhere(panel, monkeypatch):
    kept = replace(tuning(), winner=None, confirmed=None, verdict="infeasible", reason="the quality does not hold")
    panel.ended(applying(lambda number: TuningResult(kept), monkeypatch))
    say(panel, kind="use", number=0, name="other")
    panel._worker.join(10)
    assert "other was not written" in panel.use["message"]
    assert "other" not in panel._names.names


def test_nothing_can_be_used_before_the_search_has_ended(panel):
    with panel.watching():
        say(panel, kind="use", number=0, name="early")
    assert panel.use["state"] == "failed"
    assert "early" not in panel._names.names


def test_of_a_study_the_values_of_any_trial_are_taken(panel):
    panel.ended(StudyResult(study()))
    assert (panel.best, panel.phase) == (2, "ended")
    say(panel, kind="choose", number=0)
    assert "'lr': 0.01" in panel.sent[-1]["script"]
    say(panel, kind="use", number=0, name="params")
    assert panel._names.names["params"] == {"lr": 0.01, "opt": "sgd"}


def test_a_kernel_is_heard_on_the_shell_that_was_asked():
    class Routing:
        def _reply_subshell_for(self, data, asked):
            return "the main one"

    comm = Routing()
    assert answer_where_asked(comm)
    assert comm._reply_subshell_for({}, "subshell") == "subshell"
    assert not answer_where_asked(object())


def test_two_panels_of_one_result_are_two(panel, monkeypatch):
    result = TuningResult(tuning(), object())
    panel.ended(result)
    other = TunePanel(result, names={})
    say(other, kind="use", number=other.best, name="fast")
    assert "fast" not in panel._names.names
    assert panel.use == {}
    other.close()
