"""Weights in fewer bits than the arithmetic, in torch and in the engines."""

import dataclasses

import pytest
import torch
from engine_models import ConvNet, Decoder, Mlp, Recurrent, workload_of
from torch import nn

from tauto import serialization
from tauto.errors import CandidateFailed, RecipeError
from tauto.hardware import Hardware
from tauto.measurement import size_bytes
from tauto.recipes import Recipe, script_of
from tauto.techniques import Context, technique
from tauto.techniques.quantization.quantized import already_quantized
from tauto.workload import Workload

HARDWARE = Hardware.current("cpu")
HOPPER = dataclasses.replace(HARDWARE, device="cuda", instruction_sets=frozenset({"SM90"}))


def applied(workload, folder, name, **config):
    known = technique(name)
    return known.apply(workload, known.config(**config), Context(folder, HARDWARE))


def wide():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256)).eval()
    return Workload.of(net, inputs=torch.randn(4, 64))


def error(module, workload):
    with torch.no_grad():
        right = workload.example(workload.model)
        return float((workload.example(module) - right).norm() / right.norm())


@pytest.mark.parametrize("group", [None, 32])
def test_torchao_keeps_weights_in_int8(group, tmp_path):
    workload = wide()
    changed = applied(workload, tmp_path, "int8_weights", group=group)
    assert changed[0].weight.qdata.dtype == torch.int8
    assert changed[0].weight.act_quant_kwargs is None  # the arithmetic is in float32
    assert 0 < error(changed, workload) < 0.02


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_engines_have_eight_and_four_bits(engine, tmp_path):
    workload = wide()
    sizes, errors = {}, {}
    for precision in ("float32", "int8_weights", "int4_weights"):
        module = applied(workload, tmp_path / precision, engine, precision=precision)
        sizes[precision], errors[precision] = module.shipped_bytes, error(module, workload)
    assert errors["float32"] < 1e-4 < errors["int8_weights"] < 0.02
    assert errors["int8_weights"] < errors["int4_weights"] < 0.2
    assert sizes["int4_weights"] < sizes["int8_weights"] < 0.4 * sizes["float32"]


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_more_weights_that_share_a_scale_are_smaller_and_further_off(engine, tmp_path):
    workload, kinds = wide(), {}
    with torch.no_grad():  # a few weights far larger than the rest, which a group of their own spares the others
        for layer in (workload.model[0], workload.model[2]):
            layer.weight.pow_(5).mul_(0.1 / layer.weight.std())
    for group in (None, 32, 64):
        module = applied(workload, tmp_path / str(group), engine, precision="int4_weights", group=group)
        kinds[group] = module.shipped_bytes, error(module, workload)
    assert kinds[None][1] == pytest.approx(kinds[32][1])
    assert kinds[64][0] < kinds[32][0]
    assert kinds[32][1] < kinds[64][1]
    with pytest.raises(RecipeError, match="group=64 is of int"):
        Recipe.of((engine, {"group": 64}))
    compile(script_of(Recipe.of((engine, {"precision": "int4_weights", "group": 64}))), "optimize.py", "exec")


@pytest.mark.parametrize("name", ["int4_weights", "float8"])
def test_what_has_no_kernel_here_says_which_device_has(name, tmp_path):
    workload, known = wide(), technique(name)
    verdict = known.applies_to(workload, HARDWARE)
    assert not verdict.applies
    assert "NVIDIA GPU" in verdict.reason
    assert "engine='openvino'" in verdict.remedy or "method='dynamic'" in verdict.remedy
    assert known.applies_to(workload, HOPPER).applies
    with pytest.raises(CandidateFailed, match="NVIDIA GPU"):
        applied(workload, tmp_path, name)
    compile(script_of(Recipe.of(name)), "optimize.py", "exec")


@pytest.mark.parametrize("name", ["int8_dynamic", "int8_weights"])
def test_recurrent_networks_are_refused_by_name(name):
    verdict = technique(name).applies_to(workload_of(Recurrent), HARDWARE)
    assert "such as cells (LSTM), which torchao does not quantize" in verdict.reason
    assert "onnxruntime" in verdict.remedy


@pytest.mark.parametrize("name", ["int8_dynamic", "int8_weights", "qat"])
def test_a_quantized_model_is_refused_by_name(name, tmp_path):
    workload = wide()
    changed = workload.with_model(applied(workload, tmp_path, "int8_weights", keep=("0",)))
    assert already_quantized(changed.model) == "'2' (Int8Tensor weights)"
    assert "quantized already: its layer '2'" in technique(name).applies_to(changed, HARDWARE).reason


def test_what_is_not_quantized_is_not_taken_for_it():
    for kind in (Mlp, ConvNet, Recurrent, Decoder):
        assert already_quantized(kind()) == ""


def test_layers_that_do_not_suit_are_no_candidate(tmp_path):
    odd = Workload.of(nn.Linear(6, 5), inputs=torch.randn(2, 6))
    with pytest.raises(CandidateFailed, match=r"could not quantize|left every linear layer"):
        applied(odd, tmp_path, "int8_weights", group=128)


class Tied(nn.Module):
    """Words are looked up in the weights that score them."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(64, 32), nn.Embedding(16, 32)
        self.middle, self.head = nn.Linear(32, 32), nn.Linear(32, 64, bias=False)
        self.head.weight = self.words.weight

    def forward(self, ids):
        return self.head(self.middle(self.words(ids) + self.places(torch.arange(ids.shape[1]))).relu())


def test_embeddings_are_int8_too_and_what_is_tied_stays_tied(tmp_path):
    torch.manual_seed(0)
    workload = Workload.of(Tied().eval(), inputs=torch.randint(0, 64, (2, 16)))
    changed = applied(workload, tmp_path, "int8_weights")
    assert changed.words.weight is changed.head.weight
    assert changed.words.weight.qdata.dtype == changed.places.weight.qdata.dtype == torch.int8
    assert size_bytes(changed) < 0.35 * size_bytes(workload.model)
    assert 0 < error(changed, workload) < 0.05
    kept = applied(workload, tmp_path, "int8_weights", keep=("head",))
    assert torch.equal(kept.words.weight, workload.model.words.weight)
    assert kept.words.weight is kept.head.weight
    assert kept.places.weight.qdata.dtype == torch.int8


def test_a_kept_model_with_int8_embeddings_is_read_back(tmp_path):
    torch.manual_seed(0)
    workload = Workload.of(Tied().eval(), inputs=torch.randint(0, 64, (2, 16)))
    changed = applied(workload, tmp_path, "int8_weights")
    serialization.write(changed, workload.model, tmp_path / "kept")
    again = serialization.read(Tied().eval(), tmp_path / "kept")
    with torch.no_grad():
        assert torch.equal(workload.example(again), workload.example(changed))
    assert size_bytes(again) == size_bytes(changed)
