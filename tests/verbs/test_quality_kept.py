"""A planted fragile layer, for real: quality control finds it, the quality holds, and the rest is quantized."""

from __future__ import annotations

import pytest
from fragile_by_hand import FRAGILE, batches, fragile_net
from torch import nn

import tauto
from tauto.errors import InvalidArgument
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.results import TuningResult
from tauto.tuning import Budget, Goal, Plan, Space, tune
from tauto.tuning.int8_layers import kept_by
from tauto.tuning.quality_control import controlled
from tauto.workload import Workload


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))


def labels_of(model):
    return [model(batch).argmax(1) for batch in batches()]


def accuracy_on(truth):
    def accuracy(model):
        return float(sum((model(x).argmax(1) == y).sum() for x, y in zip(batches(), truth, strict=True)) / 256)

    return accuracy


def test_the_fragile_layer_is_left_in_floating_point_and_the_rest_is_not():
    net = fragile_net(256)
    workload = Workload.of(net, data=batches(), evaluate=accuracy_on(labels_of(net)), name="net")
    # as asked: whether it is faster on this machine is not the question here
    hardware, goal, clock = Hardware.current(), Goal(as_asked=True), Budget(600.0)
    recipe = Recipe.of(("onnxruntime", {"precision": "int8_dynamic"}))

    def space() -> Space:
        return controlled(Space((recipe,), ()), workload, hardware, goal, clock)

    tuned = tune(workload, Plan("quantize", space, clock, goal, required=True), hardware)
    report, result = tuned.report, TuningResult(tuned.report, tuned.model)
    assert report.trials[0].comparison.quality_held is False, report.trials[0].reason
    control = report.control[0]
    assert control.met, control.reason
    assert [layer.path for layer in control.kept] == [FRAGILE]
    assert control.kept[0].snr_db < 15
    assert kept_by(result.recipe) == (FRAGILE,)
    assert report.confirmed.quality_held
    # how sure, and over how many samples, was seen from outside
    sure = report.confidence[0]
    assert (sure.samples, sure.noise) == (256, 0.0)
    assert sure.low < sure.drop < sure.high
    precisions = {row.name: row.precision for row in result.layers}
    assert precisions == dict.fromkeys(["stem", "middle", "late", "head"], "int8") | {FRAGILE: "float32"}
    assert FRAGILE in result.explain()
    result.plot()
    compile(result.script(), "optimize.py", "exec")


class TestArguments:
    def test_an_analysis_of_another_model_is_refused(self):
        other = tauto.sensitivity(nn.Sequential(nn.Linear(32, 4)), data=batches(1), budget=10)
        with pytest.raises(InvalidArgument, match="this one has no layer '0'"):
            tauto.quantize(fragile_net(), data=batches(1), sensitivity=other)

    def test_what_is_no_analysis_is_refused(self):
        with pytest.raises(InvalidArgument, match="sensitivity: a dict is no analysis"):
            tauto.quantize(fragile_net(), data=batches(1), sensitivity={})

    @pytest.mark.parametrize(
        ("options", "words"),
        [({"bits": 3}, "bits: 3 is not a width"), ({"activations": "statik"}, "Did you mean 'static'")],
    )
    def test_what_cannot_be_analysed_is_named(self, options, words):
        with pytest.raises(InvalidArgument, match=words):
            tauto.sensitivity(fragile_net(), data=batches(1), **options)


def test_an_analysis_is_stored_and_shown():
    found = tauto.sensitivity(fragile_net(), data=batches(2), budget=20, name="net")
    again = tauto.runs()[0]
    assert again.report == found.report
    assert repr(again) == repr(found)
    assert found.layer(FRAGILE) == found.rows[0]
    with pytest.raises(InvalidArgument, match="Did you mean 'fragile'"):
        found.layer("fragil")
    found.plot()
