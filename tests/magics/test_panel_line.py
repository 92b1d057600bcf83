"""``--panel``: a live panel from the start of a search, which is what the magic returns."""

from __future__ import annotations

import contextlib
import types

import pytest
import torch

from tauto.errors import InvalidArgument, MissingDependency


class HandPanel:
    """Notes what the magic does with it."""

    def __init__(self):
        self.result = None
        self.live = False

    def live_bundle(self):
        return {"text/plain": "the panel"}

    @contextlib.contextmanager
    def watching(self):
        self.live = True
        yield
        self.live = False

    def ended(self, result):
        self.result = result

    def __repr__(self):
        return f"<panel of {self.result}>"


@pytest.fixture
def panels(monkeypatch):
    made = []

    def panel_class(kind, noun):
        assert kind == "tuning"
        return lambda: made.append(HandPanel()) or made[-1]

    monkeypatch.setattr("tauto.results.panels.panel_class", panel_class)
    return made


@pytest.fixture
def ready(shell, monkeypatch):
    """A shell that looks like a notebook's."""
    monkeypatch.setattr(shell.ip, "kernel", types.SimpleNamespace(), raising=False)
    for hook in ("register_hook", "unregister_hook"):
        monkeypatch.setattr(shell.ip.display_pub, hook, lambda hook: None, raising=False)
    shell.ip.push({"model": torch.nn.Linear(1, 1), "objective": lambda: 0.0})
    return shell


def test_the_magic_returns_the_panel_with_its_result(ready, engine, panels):
    engine.then = lambda: seen.append(panels[-1].live)
    seen = []
    for line in ("shown = %tauto_autotune model --panel --into fast", "shown = %tauto_tune objective --panel"):
        assert ready.run(line).success
        assert ready.ip.user_ns["shown"] is panels[-1]
        assert "report" in repr(panels[-1].result)
        assert "the panel" in ready.out
    assert seen == [True, True]
    assert ready.ip.user_ns["fast"] is engine.optimized


def test_without_it_nothing_changes(ready, engine, panels):
    ready.run("r = %tauto_autotune model")
    assert panels == []
    assert "report" in repr(ready.ip.user_ns["r"])


def test_the_kernels_own_stop_shows_the_panel_of_what_was_found(ready, engine, panels):
    engine.then = engine.stop
    result = ready.run("%tauto_autotune model --panel --into fast")
    assert not result.success
    assert panels[-1].result.verb == "partial"
    assert "<panel of <partial report>>" in ready.out
    assert ready.ip.user_ns["fast"] is engine.optimized


def test_a_mistake_leaves_one_line_and_no_panel(ready, engine, panels):
    def wrong():
        raise InvalidArgument("budget: 'soon' is no time.")

    engine.then = wrong
    result = ready.run("%tauto_autotune model --panel")
    assert not result.success
    assert "UsageError: budget: 'soon' is no time." in ready.out + ready.err
    assert panels[-1].result is None


def test_a_terminal_has_no_place_for_it(shell, engine, panels):
    shell.ip.push({"model": torch.nn.Linear(1, 1)})
    assert "a terminal shows no panels" in shell.fails("%tauto_autotune model --panel")
    assert engine.calls == []


def test_where_there_are_no_panels_it_says_so_before_any_work(ready, engine, monkeypatch):
    def missing(kind, noun):
        raise MissingDependency("panel: no panels are installed. Run: pip install 'tauto[notebook]'")

    monkeypatch.setattr("tauto.results.panels.panel_class", missing)
    assert "no panels are installed" in ready.fails("%tauto_autotune model --panel")
    assert engine.calls == []
