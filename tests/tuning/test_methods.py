"""What a method, a number of bits and an engine mean."""

import dataclasses

import pytest
import torch
from torch import nn

from tauto.errors import InvalidArgument
from tauto.hardware import Hardware
from tauto.tuning.methods import quantized_space, ways
from tauto.workload import Workload

HARDWARE = Hardware.current("cpu")
CONV = Workload.of(
    nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 36, 4)),
    inputs=torch.zeros(2, 3, 8, 8),
)


def titles(*asked, workload=CONV, trained=None, observers=False):
    space = quantized_space(workload, HARDWARE, ways(*asked), trained=trained, observers=observers)
    return [recipe.title for recipe in space.recipes], {item.technique: item for item in space.not_tried}


def test_auto_is_all_that_quantizes_inputs_too():
    found, not_tried = titles()
    static = {"openvino (int8)", "onnxruntime (int8_static)", "int8_static"}
    assert static | {"onnxruntime (int8_dynamic)", "int8_dynamic"} <= set(found)
    assert not any("weights" in title for title in found)
    assert not not_tried
    assert len(set(found)) == len(found)


def test_static_tries_other_ways_to_tell_ranges_after_the_usual_one():
    found, _ = titles("static", None, "openvino", observers=True)
    assert found[0] == "openvino (int8)"
    assert set(found[1:]) == {f"openvino (int8, {name})" for name in ("histogram", "quantile", "average", "minmax")}


def test_static_in_torch_is_compiled_already_and_has_observers_of_its_own():
    assert titles("static", None, "torch", observers=True)[0] == [
        "int8_static",
        "int8_static (minmax)",
        "int8_static (average)",
    ]
    found, _ = titles("qat", 8, "torch", trained={"bits": 8, "epochs": 1})
    assert found == ["qat (8 bits, 1 epoch) → int8_static"]


def test_four_bits_are_of_the_weights_alone_and_torch_says_where_it_has_them():
    found, not_tried = titles("auto", 4)
    assert set(found) == {"openvino (int4_weights)", "onnxruntime (int4_weights)"}
    assert "NVIDIA GPU" in not_tried["int4_weights"].reason
    assert "engine='openvino'" in not_tried["int4_weights"].remedy


def test_how_many_weights_share_a_scale_is_asked_for_of_weights_alone():
    assert set(titles("weight-only", 4, "auto", 64)[0]) == {
        "openvino (int4_weights, group=64)",
        "onnxruntime (int4_weights, group=64)",
    }
    found, _ = titles("weight-only", 8, "auto", 128)
    assert "int8_weights (group=128)" in found
    assert all("group=128" in title for title in found)
    for asked, words in (
        (("weight-only", 4, "auto", 7), "^group: 7 is no number of weights"),
        (("static", None, "auto", 32), "^group: only weights alone"),
        (("qat", 4, "auto", 32), "^group: only weights alone"),
        (("weight-only", 8, "openvino", 32), "^group: in 8 bits OpenVINO has a scale for each row"),
    ):
        with pytest.raises(InvalidArgument, match=words):
            ways(*asked)


def test_a_technique_is_asked_for_by_name():
    assert titles("openvino")[0] == ["openvino (int8)"]
    assert titles("openvino", 4)[0] == ["openvino (int4_weights)"]
    assert titles("int8_weights")[0][0] == "int8_weights"
    assert titles("float8")[1]["float8"].reason.startswith("float8 matrix products need")


def test_training_stands_before_what_is_static():
    found, _ = titles("qat", 8, "openvino", trained={"bits": 8, "epochs": 1})
    assert found == ["qat (8 bits, 1 epoch) → openvino (int8)"]


def test_what_an_engine_finds_nothing_to_do_in_is_told():
    plain = Workload.of(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), inputs=torch.zeros(2, 3, 8, 8))
    found, not_tried = titles(workload=plain)
    assert set(found) == {"openvino (int8)", "onnxruntime (int8_static)", "int8_static"}
    assert not_tried["onnxruntime (int8_dynamic)"].reason.startswith("the model has no linear or LSTM layer")
    assert "no plain linear layer" in not_tried["int8_dynamic"].reason


def test_a_recurrent_network_goes_to_an_engine():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cells = nn.LSTM(8, 16)

        def forward(self, x):
            return self.cells(x)[0]

    found, not_tried = titles("dynamic", workload=Workload.of(Net(), inputs=torch.zeros(3, 2, 8)))
    assert found == ["onnxruntime (int8_dynamic)"]
    assert "cells (LSTM)" in not_tried["int8_dynamic"].reason


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("statik",), "method: there is no 'statik'. Did you mean 'static'"),
        (("auto", 8, "tvm"), "engine: there is no 'tvm'"),
        (("auto", 3), "bits: 3 is no number of bits that there is. Write 8 or 4."),
        (("static", 4), "bits: 'static' has 8 bits; 4 are for weights alone. Write method='weight-only', or bits=8."),
        (("int4_weights", 8), "bits: 'int4_weights' has 4 bits. Leave bits out, or write 4."),
        (("dynamic", None, "openvino"), "engine: OpenVINO has no 'dynamic'; it has static (8 bits), weight-only"),
    ],
)
def test_what_nothing_does_is_refused_with_what_there_is(asked, words):
    with pytest.raises(InvalidArgument) as caught:
        ways(*asked)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_on_a_gpu_only_torch_is_left():
    gpu = dataclasses.replace(HARDWARE, device="cuda", instruction_sets=frozenset({"SM90"}))
    wide = Workload.of(nn.Sequential(nn.Linear(64, 64)), inputs=torch.zeros(2, 64))
    space = quantized_space(wide, gpu, ways("weight-only", 4, "torch"), trained=None, observers=False)
    assert {recipe.steps[0].name for recipe in space.recipes} == {"int4_weights"}
