"""The rules alone, for this machine and for others."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import tauto
from tauto.errors import InvalidArgument
from tauto.hardware import Ceilings, Hardware

IMAGES = torch.zeros(1, 3, 224, 224)


@pytest.fixture
def net():
    layers = [nn.Conv2d(3, 64, 7, stride=2), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(64, 10)).eval()


def test_what_a_target_takes_and_has_decides(net):
    assert [step.name for step in tauto.optimization_pipeline(net, "mobile", IMAGES).steps] == ["onnxruntime"]
    assert str(tauto.optimization_pipeline(net, "cpu-server", IMAGES).steps[-1]) == "openvino (int8)"
    on_a_gpu = {step.name for step in tauto.optimization_pipeline(net, "gpu-server", IMAGES).steps}
    assert on_a_gpu
    assert not on_a_gpu & {"openvino", "onnxruntime", "threads"}


def test_this_machine_is_asked_for_its_ceilings(net, monkeypatch):
    measured = Ceilings({"float32": 100.0, "bfloat16": 50.0, "int8": 800.0}, 1.0, 1.0, "", "")
    monkeypatch.setattr(Hardware, "ceilings", lambda _: measured)
    assert tauto.optimization_pipeline(net, inputs=IMAGES, only=["openvino"]).title == "openvino (int8)"


def test_where_nothing_is_expected_to_help_nothing_is_done():
    tiny = nn.Linear(8, 8).eval()
    assert tauto.optimization_pipeline(tiny, "cpu-server", torch.zeros(1, 8), only=["int8_dynamic"]).steps == ()


def test_the_model_is_not_touched_and_an_unknown_target_is_told(net):
    before = [value.clone() for value in net.state_dict().values()]
    with pytest.raises(InvalidArgument, match=r"^target: there is no 'server'"):
        tauto.optimization_pipeline(net, "server", IMAGES)
    tauto.optimization_pipeline(net, "edge-cpu", IMAGES)
    assert all(torch.equal(one, other) for one, other in zip(before, net.state_dict().values(), strict=True))
