"""Quantize for real, and what it says when no int8 model keeps the quality."""

from __future__ import annotations

import pytest
import torch
from techniques_by_hand import FastButWrong, Wasteful, registered
from torch import nn

import tauto
from tauto.errors import InvalidArgument, ModelError
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.tuning import Budget, Goal, Plan, chosen_techniques, legal_space, tune
from tauto.workload import Workload


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, 10)
    ).eval()


DATA = [torch.randn(16, 3, 24, 24, generator=torch.Generator().manual_seed(seed)) for seed in range(4)]


def test_openvino_makes_it_smaller_and_every_trial_is_int8(net):
    result = tauto.quantize(net, data=DATA, method="openvino", objective="size", budget="5min", name="net")
    assert [trial.recipe.title for trial in result.trials] == ["openvino (int8)"]
    trial = result.trials[0]
    assert trial.status in {"kept", "rejected"}, trial.reason
    assert result.model(DATA[0][:5]).shape == (5, 10)
    if result.verdict == "improved":  # on a machine where int8 is slower it is rightly kept out
        assert trial.comparison.size_ratio < 0.5
        assert trial.comparison.quality_held
        compile(result.script(), "optimize.py", "exec")


def test_auto_tries_every_way_that_applies(net, monkeypatch):
    plans = []
    monkeypatch.setattr("tauto.verbs.quantize.tune", lambda workload, plan, hardware: plans.append(plan))
    monkeypatch.setattr("tauto.verbs.quantize.deliver_tuned", lambda tuned, *_, **__: tuned)
    tauto.quantize(net, data=DATA)
    space_of = {recipe.title for recipe in plans[0].space().recipes}
    assert {"openvino (int8)", "onnxruntime (int8_static)", "onnxruntime (int8_dynamic)", "int8_dynamic"} <= space_of
    assert all("int8" in title for title in space_of)


def test_when_every_faster_one_loses_quality_the_nearest_miss_is_told():
    model = Wasteful().eval()
    inputs = torch.randn(64, 64)
    answers = model(inputs).argmax(1)
    workload = Workload.of(
        model, inputs=inputs, evaluate=lambda net: (net(inputs).argmax(1) == answers).float().mean().item()
    )
    hardware = Hardware.current("cpu")
    with registered(FastButWrong):
        plan = Plan(
            "quantize",
            lambda: legal_space(workload, hardware, chosen_techniques()),
            Budget(300.0),
            Goal(or_smaller=True),
            required=True,
        )
        tuned = tune(workload, plan, hardware)
    assert tuned.report.verdict == "infeasible"
    assert tuned.model is model
    assert "nearest miss, fast_but_wrong: " in tuned.report.reason
    assert "allowed drop" in tuned.report.reason


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "openvina"}, "method: there is no 'openvina'. Did you mean 'openvino'"),
        ({"objective": "beauty"}, "objective: there is no 'beauty'. There is: latency, size."),
        ({"method": "static", "bits": 4}, "bits: 'static' has 8 bits; 4 are for weights alone"),
        ({"method": "dynamic", "engine": "openvino"}, "engine: OpenVINO has no 'dynamic'; it has static"),
        ({"epochs": 3}, "epochs: only method='qat' trains"),
        ({"method": "qat", "data": None, "inputs": DATA[0]}, "method: 'qat' trains. Give data="),
        (
            {"data": [DATA[0], torch.zeros(4, 1, 9, 9)], "inputs": DATA[0]},
            r"data: the model refuses batch 2, of float32",
        ),
        ({"data": [DATA[0], DATA[1].double()], "inputs": DATA[0]}, r"data: the model refuses batch 2, of float64"),
    ],
)
def test_what_cannot_be_asked_is_named(net, options, words):
    with pytest.raises(InvalidArgument, match=words):
        tauto.quantize(net, **{"data": DATA, **options})


def test_a_quantized_model_is_refused_by_name(net):
    small = tauto.apply(Recipe.of("int8_weights"), net, inputs=DATA[0]).model
    with pytest.raises(ModelError, match=r"quantized already: its layer 'module.5' \(Int8Tensor weights\)"):
        tauto.quantize(small, data=DATA)


def test_training_comes_first_and_what_was_trained_is_quantized(net):
    torch.manual_seed(0)
    labelled = [(x, torch.randint(0, 10, (16,))) for x in DATA]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    result = tauto.quantize(
        net,
        data=labelled,
        loss=nn.CrossEntropyLoss(),
        method="qat",
        engine="onnxruntime",
        epochs=1,
        learning_rate=1e-5,
        objective="size",
        budget="8min",
    )
    trial = result.trials[0]
    assert trial.recipe.title == "qat (8 bits, 1 epoch) → onnxruntime (int8_static)"
    assert trial.status in {"kept", "rejected"}, trial.reason
    assert any("Rounded while training: 0, 5." in note for note in trial.notes)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
