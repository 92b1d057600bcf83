"""One setting of a model at a time: what is measured, what cannot be had, and what is remembered."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import tauto
from tauto.errors import InvalidArgument
from tauto.events import StopRequested, StopSwitch, stoppable
from tauto.hardware import Hardware
from tauto.reports import report_from_dict
from tauto.results.of import result_of
from tauto.tuning.knobs import checked, knobs_of, recipe_of, resized_workload
from tauto.workload import Workload


class Picky(nn.Module):
    """Takes 16 by 16 pixels alone."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(256, 4)

    def forward(self, x):
        return self.layer(x.flatten(1))


@pytest.fixture(scope="module")
def explored():
    return tauto.explore(Picky().eval(), torch.randn(4, 1, 16, 16), name="picky")


def values(knobs):
    return {knob.name: (knob.values, knob.given) for knob in knobs}


def test_the_knobs_are_those_that_the_inputs_and_the_machine_have():
    hardware = Hardware.current("cpu")
    image = values(knobs_of(Workload.of(Picky(), inputs=torch.randn(4, 1, 16, 16)), hardware))
    assert image["batch"] == ((1, 2, 4, 8, 16, 32, 64), 4)
    assert image["size"] == ((8, 16, 24, 32), 16)
    text = values(knobs_of(Workload.of(nn.Embedding(50, 4), inputs=torch.randint(50, (3, 10))), hardware))
    assert text["seq"] == ((5, 10, 15, 20), 10)
    assert text["batch"][0] == (1, 2, 3, 4, 8, 16, 32, 64)
    rows = values(knobs_of(Workload.of(nn.Linear(8, 2), inputs=torch.randn(2, 8)), hardware))
    assert not {"size", "seq"} & set(rows)
    assert ("threads" in rows) == (hardware.cores > 1)


@pytest.mark.parametrize(
    ("turned", "steps"),
    [
        ({}, []),
        ({"precision": "bfloat16"}, ["bfloat16"]),
        ({"precision": "int8"}, ["int8_dynamic"]),
        ({"engine": "compile", "precision": "int8"}, ["int8_static"]),
        ({"sparsity": 0.5, "batch": 2}, ["prune"]),
    ],
)
def test_a_setting_is_a_recipe(explored, turned, steps):
    assert [step.name for step in explored.recipe(**turned).steps] == steps


def test_what_is_no_knob_or_value_is_refused_by_name(explored):
    for turned, words in (({"bach": 3}, "Did you mean 'batch'"), ({"engine": "tvm"}, "openvino"), ({"batch": 0}, "0")):
        with pytest.raises(InvalidArgument, match=words):
            explored.measure(**turned)
    assert checked(explored.knobs, {"batch": 5})["batch"] == 5  # a size need not be one that is offered


def test_each_knob_may_say_that_it_is_not_for_this_model(explored):
    knobs = tuple(knob for knob in explored.knobs if knob.name != "engine")
    engine = next(knob for knob in explored.knobs if knob.name == "engine")
    refused = type(engine)("engine", "Engine", engine.values, "eager", {"openvino": "It is not installed."})
    setting = checked((*knobs, refused), {"engine": "openvino"})
    with pytest.raises(tauto.errors.RecipeError, match="engine openvino: It is not installed"):
        recipe_of((*knobs, refused), setting)


def test_inputs_are_made_at_the_size_and_the_users_stay(explored):
    inputs = torch.randn(4, 1, 16, 16)
    workload = Workload.of(Picky(), inputs=inputs)
    setting = checked(explored.knobs, {"batch": 2, "size": 8})
    assert resized_workload(workload, setting).example.shapes == ("float32[2, 1, 8, 8]",)
    assert inputs.shape == (4, 1, 16, 16)
    assert resized_workload(workload, checked(explored.knobs, {})) is workload


def test_two_settings_are_measured_once_each_and_a_refusal_is_an_answer(explored):
    found = explored.measure(precision="bfloat16")
    assert found.comparison is not None
    assert found.comparison.conditions.batch == 4
    assert explored.measure(precision="bfloat16", batch=4) is found
    assert "refuses inputs of this size" in explored.measure(size=8).reason
    assert "has no bfloat16" in explored.measure(engine="onnxruntime", precision="bfloat16").reason
    assert len(explored.settings) == 3
    assert report_from_dict(explored.to_dict()) == explored.report
    assert "1 setting measured; the fastest is precision bfloat16" in repr(explored)
    with pytest.raises(InvalidArgument, match="report of the past"):
        result_of(explored.report).measure()


def test_a_measurement_can_be_called_off_and_leaves_nothing(explored):
    switch = StopSwitch()
    switch.press()
    before = explored.settings
    with stoppable(switch), pytest.raises(StopRequested):
        explored.measure(batch=2)
    assert explored.settings == before


def test_a_model_that_changes_meanwhile_is_explored_as_it_was():
    model = nn.Linear(8, 2)
    explored = tauto.explore(model, torch.randn(2, 8))
    with torch.no_grad():
        model.weight.fill_(float("nan"))
    found = explored.measure(batch=1)
    assert found.comparison is not None
    assert found.comparison.agreement.relative_error == 0.0
