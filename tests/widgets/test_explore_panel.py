"""The panel of an exploration without a browser: what is measured, in which order, and what is not."""

from __future__ import annotations

import threading

import pytest
from exploration_by_hand import exploration, explored
from tauto_widgets import ExplorePanel

from tauto.errors import InvalidArgument
from tauto.events import Progress, check_stop, emit
from tauto.recipes import Recipe
from tauto.results import ExplorationResult


class HandExplorer:
    """Measures when it is let."""

    def __init__(self):
        self.report = exploration(())
        self.go, self.began = threading.Event(), threading.Semaphore(0)
        self.asked = []
        self.error = None

    def measure(self, turned):
        self.asked.append(turned)
        emit(Progress("explore", f"measuring {turned}"))
        self.began.release()
        while not self.go.wait(0.01):
            check_stop()
        if self.error is not None:
            raise self.error
        self.report = exploration((*self.report.settings, explored(turned)))
        return self.report.settings[-1]

    def recipe(self, turned):
        if turned["precision"] == "int4":
            raise InvalidArgument("precision: 'int4' is not one of its values.")
        return Recipe.of(*(["bfloat16"] if turned["precision"] == "bfloat16" else []))


@pytest.fixture
def explorer():
    return HandExplorer()


@pytest.fixture
def panel(monkeypatch, explorer):
    monkeypatch.setattr(ExplorePanel, "_esm", "export default {}")
    made = ExplorePanel(ExplorationResult(explorer.report, explorer))
    made.sent = []
    monkeypatch.setattr(made, "send", lambda content: made.sent.append(content))
    yield made
    explorer.go.set()
    made.close()


def setting(batch, precision="float32"):
    return {"batch": batch, "precision": precision}


def say(panel, **content):
    panel._heard(panel, content, [])


def finish(panel):
    if (worker := panel._worker) is not None:
        worker.join(10)


def test_settings_wait_their_turn_and_each_is_measured_once(panel, explorer):
    say(panel, kind="measure", settings=[setting(1), setting(2)])
    assert explorer.began.acquire(timeout=5)
    say(panel, kind="measure", settings=[setting(2), setting(1), setting(4)])  # pressed twice
    assert panel.waiting == [setting(1), setting(2), setting(4)]
    assert panel.progress["message"].startswith("measuring")
    explorer.go.set()
    finish(panel)
    assert explorer.asked == [setting(1), setting(2), setting(4)]
    say(panel, kind="measure", settings=[setting(2)])
    finish(panel)
    assert len(explorer.asked) == 3
    assert [one["setting"] for one in panel.report["settings"]] == explorer.asked
    assert (panel.waiting, panel.progress) == ([], {})


def test_what_another_panel_of_it_measured_is_shown_when_asked_for(panel, explorer):
    other = ExplorePanel(panel.result)
    explorer.go.set()
    say(panel, kind="measure", settings=[setting(1)])
    finish(panel)
    assert other.report["settings"] == []
    say(other, kind="measure", settings=[setting(1)])
    finish(other)
    assert [one["setting"] for one in other.report["settings"]] == explorer.asked == [setting(1)]
    other.close()


def test_cancel_ends_the_one_that_runs_and_what_waits_and_the_next_goes_again(panel, explorer):
    say(panel, kind="measure", settings=[setting(1), setting(2)])
    assert explorer.began.acquire(timeout=5)
    say(panel, kind="cancel")
    finish(panel)
    assert explorer.asked == [setting(1)]
    assert (panel.waiting, panel.report["settings"], panel.trouble) == ([], [], "")
    explorer.go.set()
    say(panel, kind="measure", settings=[setting(2)])
    finish(panel)
    assert [one["setting"] for one in panel.report["settings"]] == [setting(2)]


@pytest.mark.parametrize("error", [InvalidArgument("batch: 0 is none."), MemoryError("no room")])
def test_what_goes_wrong_is_said_and_the_rest_goes_on(panel, explorer, error):
    explorer.error = error
    explorer.go.set()
    say(panel, kind="measure", settings=[setting(1), setting(2)])
    finish(panel)
    assert str(error) in panel.trouble
    assert explorer.asked == [setting(1), setting(2)]
    explorer.error = None
    say(panel, kind="measure", settings=[setting(4)])
    finish(panel)
    assert panel.trouble == ""


def test_a_setting_as_code_runs_and_says_what_was_measured(panel, explorer):
    explorer.go.set()
    turned = setting(8, "bfloat16")
    say(panel, kind="measure", settings=[turned])
    finish(panel)
    say(panel, kind="code", setting=turned)
    code = panel.sent[-1]["code"]
    compile(code, "<code>", "exec")
    assert "recipe = tauto.Recipe.of(('bfloat16', {" in code
    assert "tauto.apply(recipe, net, inputs=inputs).model" in code
    assert "faster: 2.00×" in code
    assert "# measured at batch 8" in code
    say(panel, kind="code", setting=setting(4))
    assert "fast = net  # as it is" in panel.sent[-1]["code"]
    say(panel, kind="code", setting=setting(4, "int4"))
    assert "not one of its values" in panel.sent[-1]["trouble"]


def test_a_report_of_the_past_says_that_it_measures_nothing(monkeypatch):
    monkeypatch.setattr(ExplorePanel, "_esm", "export default {}")
    past = ExplorePanel(ExplorationResult(exploration((explored(setting(1)),))))
    say(past, kind="measure", settings=[setting(2)])
    finish(past)
    assert "a report of the past" in past.trouble
    past.close()
