"""The panel of past runs, without a browser."""

import time

import pytest
import reports_by_hand
import torch
from tauto_widgets import HistoryPanel
from torch import nn

import tauto
from tauto.errors import InvalidArgument
from tauto.results import RunsResult
from tauto.store import Store

X = torch.randn(64, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    return Store(tmp_path / "store")


def ended(panel, within_s=200):
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if panel.applied is not None and panel.applied["state"] not in {"running"}:
            return panel.applied
        time.sleep(0.05)
    raise AssertionError(f"the panel says {panel.applied}")


def test_a_run_is_opened_and_two_are_compared(store):
    numbers = [store.add(reports_by_hand.tuning()), store.add(reports_by_hand.trained_profile())]
    panel = tauto.runs().panel()
    assert isinstance(panel, HistoryPanel)
    panel._heard(None, {"kind": "open", "numbers": [numbers[0]]}, [])
    (one,) = panel.opened
    assert one["report"]["kind"] == "tuning"
    assert one["recipe"]
    assert panel.compared is None
    panel.look_at(*numbers)
    assert [one["number"] for one in panel.opened] == numbers
    assert "different kinds" in panel.compared["notes"][0]
    assert "Speedup" in {row[0] for row in panel.compared["rows"]}
    panel._heard(None, {"kind": "close"}, [])
    assert panel.opened == []
    assert panel.compared is None


def test_a_run_that_is_gone_is_said_and_the_rest_stays(store):
    store.add(reports_by_hand.tuning())
    panel = tauto.runs().panel()
    panel._heard(None, {"kind": "open", "numbers": [99]}, [])
    assert "no run 99" in panel.trouble
    with pytest.raises(InvalidArgument, match="one run is opened, or two"):
        panel.look_at(1, 2, 3)


def test_names_to_apply_with_are_the_users_models_inputs_and_functions(store):
    names = {
        "net": nn.Linear(2, 2),
        "x": X,
        "pair": (X, X),
        "word": "no",
        "judge": lambda model: 1.0,
        "_": X,
        "In": [X],
    }
    panel = HistoryPanel(tauto.runs(), names=names)
    assert panel.choices == {"models": ["net"], "values": ["pair", "x"], "functions": ["judge"]}


def test_the_recipe_of_a_run_is_applied_to_a_model_again_while_the_kernel_is_free(store):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4)).eval()
    tauto.apply(tauto.Recipe.of("int8_dynamic"), net, X, budget="60s")
    number = tauto.runs().rows[0].id
    names = {"net": net, "x": X}
    panel = HistoryPanel(tauto.runs(), names=names)
    asked = {
        "kind": "apply",
        "number": number,
        "model": "net",
        "inputs": "x",
        "data": "",
        "evaluate": "",
        "into": "net",
    }
    panel._heard(None, asked, [])
    assert panel.applied["state"] == "refused"
    assert panel.applied["taken"]
    began = time.monotonic()
    panel._heard(None, {**asked, "into": "fast"}, [])
    panel._heard(None, {**asked, "into": "other"}, [])  # pressed twice
    assert time.monotonic() - began < 5
    told = ended(panel)
    assert told["state"] == "done", told
    assert set(names) == {"net", "x", "fast"}
    assert names["fast"](X).shape == (64, 4)
    assert told["lines"].endswith("fast = tauto.apply(recipe, net, inputs=x).model\n")


def test_a_run_without_a_recipe_is_not_applied(store):
    number = store.add(reports_by_hand.trained_profile())
    panel = HistoryPanel(tauto.runs(), names={"net": nn.Linear(2, 2)})
    panel._heard(None, {"kind": "apply", "number": number, "model": "net", "into": "fast"}, [])
    assert panel.applied["state"] == "failed"
    assert "no recipe" in panel.applied["words"]
    assert isinstance(panel.result, RunsResult)
