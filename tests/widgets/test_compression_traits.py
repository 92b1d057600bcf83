"""The panel of layers switched one by one, without a browser: what it holds, asks for and answers."""

import time

import pytest
import torch
from fragile_by_hand import batches, fragile_net
from tauto_widgets import CompressionPanel
from tauto_widgets.code import lines_of
from tauto_widgets.compression import _choice

import tauto
from tauto.errors import InvalidArgument
from tauto.recipes import Recipe
from tauto.reports import LayerChoice
from tauto.results import SensitivityResult
from tauto.workload import Workload

INT8 = {"precision": "int8", "sparsity": 0.0}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Return a model, and what was found of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAUTO_STORE", str(tmp_path_factory.mktemp("store")))
        model = fragile_net()
        yield model, tauto.sensitivity(model, data=batches(2), budget="20s", name="net")


def answered(panel, state, within_s=120):
    """Wait until the panel answers its last number so."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        told = panel.answer or {}
        if told.get("number") == panel.asked["number"] and told["state"] == state:
            return told
        time.sleep(0.05)
    raise AssertionError(f"the panel says {panel.answer}")


def test_a_switch_is_measured_in_isolation_and_known_the_next_time(session):
    panel = session[1].panel()
    assert isinstance(panel, CompressionPanel)
    assert panel.options["layers"][0]["path"] == panel.looked
    began = time.monotonic()
    panel.asked = {"number": 1, "engine": "torch", "choices": {"late": INT8}}
    assert time.monotonic() - began < 2  # the kernel is free
    assert panel.answer["state"] == "running"
    told = answered(panel, "done")
    assert told["comparison"]["size_ratio"] < 1
    assert "quality" in told["words"]
    panel.asked = {"number": 2, "engine": "torch", "choices": {}}
    assert panel.answer["state"] == "idle"
    panel.asked = {"number": 3, "engine": "torch", "choices": {"late": INT8}}
    assert panel.answer["state"] == "done"
    assert panel.recipe == Recipe.of(("int8_dynamic", {"keep": ("stem", "middle", "fragile", "head")}))
    panel.close()


def test_what_is_chosen_meanwhile_takes_the_place_of_what_is_measured(session):
    panel = session[1].panel()
    panel.choose({"late": LayerChoice("int8")})
    panel.choose({"late": LayerChoice("bfloat16"), "head": LayerChoice(sparsity=0.5)})
    told = answered(panel, "done")
    assert told["number"] == 2
    assert [step.name for step in panel.recipe.steps] == ["prune_weights", "bfloat16"]
    panel.choose({"head": LayerChoice("int8")})
    panel._heard(None, {"kind": "stop"}, [])
    assert answered(panel, "stopped")
    panel.close()


def test_what_cannot_be_computed_is_said_in_its_answer(session):
    panel = session[1].panel()
    panel.asked = {"number": 1, "engine": "openvino", "choices": {"late": {"precision": "bfloat16", "sparsity": 0}}}
    assert panel.answer["state"] == "failed"
    assert "OpenVINO does not compute late (Linear) in bfloat16" in panel.answer["words"]
    with pytest.raises(InvalidArgument, match="no layer 'lat'"):
        panel.choose({"lat": LayerChoice("int8")})
    assert panel.asked["number"] == 1
    assert _choice({"precision": "int8", "sparsity": "much"}).sparsity == -1.0


def test_the_weights_that_are_looked_at_follow_what_is_chosen(session):
    panel = session[1].panel()
    panel.looked = "late"
    assert panel.picture["zeros_after"] == 0
    panel.asked = {"number": 1, "engine": "torch", "choices": {"late": {"precision": "float32", "sparsity": 0.5}}}
    assert panel.picture["zeros_after"] == pytest.approx(0.5, abs=0.01)
    panel.close()


def test_a_past_run_shows_its_analysis_and_offers_nothing(session):
    panel = SensitivityResult(session[1].report).panel()
    assert panel.options is None
    panel.asked = {"number": 1, "engine": "torch", "choices": {"late": INT8}}
    assert panel.answer is None
    with pytest.raises(InvalidArgument, match="past run"):
        _ = panel.recipe


def test_its_lines_do_the_same_with_the_users_names(session):
    net, rows = session[0], torch.randn(8, 32)

    def judge(model):
        return 1.0

    recipe = Recipe.of(("prune_weights", {"spread": "named", "ratios": ("late=0.5",)}), "int8_dynamic")
    lines = lines_of(recipe, Workload.of(net, inputs=rows, evaluate=judge), {"net": net, "rows": rows, "judge": judge})
    asked = []
    names = {"net": net, "rows": rows, "judge": judge}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tauto, "apply", lambda *args, **keywords: asked.append((args, keywords)))
        exec(lines, names)
    (given, model), keywords = asked[0]
    assert given == recipe
    assert model is net
    assert keywords == {"inputs": rows, "evaluate": judge}
