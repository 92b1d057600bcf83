"""What the buttons of the panels do in the kernel, without a browser."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
import torch
from reports_by_hand import comparison, fix_report, trained_profile
from tauto_widgets import ComparePanel, ProfilePanel
from torch import nn

import tauto
from tauto.errors import InvalidArgument
from tauto.events import Progress, emit
from tauto.reports import Fix, Interval, Tried
from tauto.results import ComparisonResult, FixResult, ProfileResult
from tauto.workload.cell import Cell


def profiled() -> ProfileResult:
    return ProfileResult(trained_profile(), Cell("pass", {}))


def pressed(panel, **content):
    """Hand the panel a message as its front end sends it."""
    panel._handle_custom_msg(content, [])


@pytest.fixture
def fixing(monkeypatch):
    """Stands for tauto.fix: notes its calls, tells of progress, and ends when it is let go."""

    class Fixing:
        def __init__(self):
            self.calls, self.go, self.running = [], threading.Event(), threading.Event()
            self.error = None

        def __call__(self, number, profile, budget=None):
            self.calls.append((number, budget, threading.current_thread()))
            emit(Progress("fix", "timing both, in turn", 0.5, 8.0))
            self.running.set()
            while not self.go.wait(0.01):
                pass
            if self.error is not None:
                raise self.error
            tried = Tried("better", 1.2, Interval(1.1, 1.3))
            profile.note_tried(profile.findings[number - 1], tried)
            return FixResult(replace(fix_report(), finding=profile.findings[number - 1]))

    fake = Fixing()
    monkeypatch.setitem(vars(tauto), "fix", fake)
    yield fake
    fake.go.set()


def test_a_finding_is_tried_beside_the_kernels_own_work_and_told(fixing):
    panel = ProfilePanel(profiled(), budget="9s")
    pressed(panel, do="try", finding=1)
    assert fixing.running.wait(10)
    assert panel.trial == {
        "finding": 1, "state": "running", "words": "timing both, in turn", "done": 0.5, "seconds_left": 8.0,
        "stoppable": True,
    }  # fmt: skip
    pressed(panel, do="try", finding=1)  # pressed twice, it acts once
    pressed(panel, do="try", finding=2)
    fixing.go.set()
    panel.wait()
    [(number, budget, thread)] = fixing.calls
    assert (number, budget) == (1, "9s")
    assert thread is not threading.main_thread()
    assert panel.trial["state"] == "ended"
    assert panel.trial["words"].startswith("Better: 3.20×")
    # the report that is drawn has it beside what was expected
    assert panel.report["findings"][0]["tried"]["speedup"] == 1.2
    assert panel.result.findings[0].tried.speedup == 1.2


@pytest.mark.parametrize("error", [InvalidArgument("no code to run"), RuntimeError("broken")], ids=["ours", "other"])
def test_what_cannot_be_tried_says_why(fixing, error):
    fixing.error = error
    fixing.go.set()
    panel = ProfilePanel(profiled())
    pressed(panel, do="try", finding=1)
    panel.wait()
    assert panel.trial["state"] == "ended"
    assert str(error) in panel.trial["words"]


def test_a_trial_is_stopped(fixing):
    panel = ProfilePanel(profiled())
    pressed(panel, do="stop")  # nothing runs: nothing happens
    pressed(panel, do="try", finding=1)
    assert fixing.running.wait(10)
    began = time.monotonic()
    pressed(panel, do="stop")
    panel.wait()
    assert time.monotonic() - began < 5
    assert panel.trial["words"] == "stopped before anything was measured"
    assert not fixing.go.is_set()


def test_two_panels_try_one_after_the_other(fixing):
    one, other = ProfilePanel(profiled()), ProfilePanel(profiled())
    pressed(one, do="try", finding=1)
    assert fixing.running.wait(10)
    pressed(other, do="try", finding=2)
    assert other.trial["words"] == "waiting for a trial of another panel"
    assert [number for number, *_ in fixing.calls] == [1]
    fixing.go.set()
    one.wait()
    other.wait()
    assert [number for number, *_ in fixing.calls] == [1, 2]


def test_a_recipe_is_tried_on_the_kernels_own_thread_and_says_how_it_is_stopped(fixing):
    report = trained_profile()
    recipe = replace(report.findings[0], fix=Fix("recipe", "net", {"recipe": "steps: []"}))
    panel = ProfilePanel(ProfileResult(replace(report, findings=(recipe, *report.findings[1:])), Cell("pass", {})))
    told = []
    panel.observe(lambda change: told.append(change.new), "trial")
    fixing.go.set()
    pressed(panel, do="try", finding=1)
    [(_, _, thread)] = fixing.calls
    assert thread is threading.main_thread()
    assert not any(one["stoppable"] for one in told)
    assert "interrupt the kernel" in told[0]["words"]
    assert panel.trial["state"] == "ended"


def test_a_past_profile_says_that_nothing_can_be_tried():
    assert "profile it again" in ProfilePanel(ProfileResult(trained_profile())).hindrance
    assert ProfilePanel(profiled()).hindrance == ""


def test_layers_of_a_comparison_are_compared_when_asked_for():
    original, other = (nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(2))
    panel = tauto.compare(original, other, torch.ones(2, 4)).panel()
    assert isinstance(panel, ComparePanel)
    assert panel.report["original"]["latency"]["quantiles_ms"]
    assert panel.layers["state"] == "offered"
    pressed(panel, do="layers")
    assert panel.layers["state"] == "made"
    assert panel.layers["report"]["kind"] == "layers"
    same = tauto.compare(original, other, torch.ones(2, 4), layers=True).report
    assert [row["path"] for row in panel.layers["report"]["rows"]] == [row.path for row in same.rows] == ["0", "1"]


def test_models_that_are_gone_are_told_and_a_past_comparison_offers_nothing():
    panel = tauto.compare(nn.Linear(4, 4), nn.Linear(4, 4), torch.ones(2, 4)).panel()
    pressed(panel, do="layers")
    assert panel.layers["state"] == "failed"
    assert "a model of this comparison is gone" in panel.layers["words"]
    past = ComparisonResult(comparison())
    assert past.panel().layers["state"] == "none"
    with pytest.raises(InvalidArgument, match="past comparison"):
        past.layers()
