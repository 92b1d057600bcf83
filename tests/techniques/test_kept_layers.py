"""Layers that are kept in floating point stay so, to the bit, in every engine."""

from pathlib import Path

import onnx
import onnx.numpy_helper
import pytest
import torch
from engine_models import ConvNet, workload_of
from torch import nn

from tauto.conversion.openvino import import_openvino
from tauto.errors import CandidateFailed, RecipeError
from tauto.hardware import Hardware
from tauto.recipes import Recipe, build
from tauto.techniques import Context, technique
from tauto.techniques.engines.openvino_files import read_graph
from tauto.techniques.technique import Config
from tauto.workload import Workload

HARDWARE = Hardware.current()


def applied(workload, folder, name, **config):
    known = technique(name)
    return known.apply(workload, known.config(**config), Context(folder, HARDWARE))


def float_arrays(folder: Path):
    graph = onnx.load(folder / "engine" / "model.onnx").graph
    arrays = [onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer]
    return [torch.from_numpy(array.copy()) for array in arrays if array.dtype == "float32"]


def float_constants(folder: Path):
    graph, weights = read_graph(import_openvino().Core(), folder / "engine")
    assert weights.size  # they must outlive the graph
    constants = [op for op in graph.get_ops() if op.get_type_name() == "Constant"]
    kept = [op for op in constants if op.get_element_type().get_type_name() == "f32"]
    return [torch.from_numpy(op.data.copy()) for op in kept]


def holds(arrays, weight):
    return any(torch.equal(array, one) for array in arrays for one in (weight, weight.T) if array.shape == one.shape)


class Sharing(nn.Module):
    """A layer of two names between two of one."""

    def __init__(self):
        super().__init__()
        self.shared = self.again = nn.Linear(32, 32)
        self.other = nn.Linear(32, 32)
        self.head = nn.Linear(32, 4)

    def forward(self, x):
        return self.head(self.again(self.other(self.shared(x))))


@pytest.mark.parametrize("name", ["int8_dynamic", "int8_weights"])
def test_torchao_leaves_what_is_kept(name, tmp_path):
    net = Sharing()
    changed = applied(Workload.of(net, inputs=torch.randn(2, 32)), tmp_path, name, keep=("again", "head"))
    assert torch.equal(changed.shared.weight, net.shared.weight)
    assert torch.equal(changed.head.weight, net.head.weight)
    assert type(changed.head.weight.data) is torch.Tensor
    assert changed.other.weight.qdata.dtype == torch.int8


def test_torchao_knows_layers_behind_a_layout(tmp_path):
    recipe = Recipe.of("channels_last", ("int8_dynamic", {"keep": ["1"]}))
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(8, 8), nn.Linear(8, 2))
    changed = build(recipe, Workload.of(net, inputs=torch.randn(1, 3, 8, 8)), Context(tmp_path, HARDWARE))
    inner = changed.module.module
    assert torch.equal(inner[1].weight, net[1].weight)
    assert inner[2].weight.qdata.dtype == torch.int8


@pytest.mark.parametrize(
    ("name", "precision", "arrays"),
    [
        ("onnxruntime", "int8_static", float_arrays),
        ("onnxruntime", "int4_weights", float_arrays),
        ("openvino", "int8", float_constants),
    ],
)
def test_an_engine_leaves_what_is_kept(name, precision, arrays, tmp_path):
    workload = workload_of(ConvNet, batch=2, samples=2)
    applied(workload, tmp_path / "all", name, precision=precision)
    applied(workload, tmp_path / "kept", name, precision=precision, keep=("head",))
    head = workload.model.head.weight
    assert not holds(arrays(tmp_path / "all"), head)
    assert holds(arrays(tmp_path / "kept"), head)


class Steep(nn.Module):
    """What ``wide`` returns has one place thousands of times as large as the others; ``back`` undoes that."""

    def __init__(self):
        super().__init__()
        self.wide, self.back, self.head = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 4)
        with torch.no_grad():
            self.wide.weight[0] *= 5000
            self.back.weight[:, 0] /= 5000

    def forward(self, x):
        return self.head(self.back(self.wide(x).relu()))


def test_what_a_kept_layer_reads_is_not_rounded_either(tmp_path):
    torch.manual_seed(0)
    net, data = Steep().eval().requires_grad_(False), [torch.randn(16, 32) for _ in range(4)]
    workload, expected = Workload.of(net, data=data), net(data[0])

    def error(name, *keep):
        made = applied(workload, tmp_path / name, "onnxruntime", precision="int8_static", keep=keep)
        return float((made(data[0]) - expected).norm() / expected.norm())

    assert error("all") > 0.2
    assert error("kept", "back") < 0.05


def test_a_convolution_that_took_in_a_normalisation_is_found(tmp_path):
    workload = workload_of(ConvNet, batch=2, samples=2)
    for name, keep in (("all", ()), ("kept", ("conv",))):
        applied(workload, tmp_path / name, "onnxruntime", precision="int8_static", keep=keep)
    shape = workload.model.conv.weight.shape
    assert not any(array.shape == shape for array in float_arrays(tmp_path / "all"))
    assert any(array.shape == shape for array in float_arrays(tmp_path / "kept"))


@pytest.mark.parametrize("name", ["int8_dynamic", "onnxruntime"])
def test_a_layer_that_is_not_there_is_named(name, tmp_path):
    with pytest.raises(CandidateFailed, match=r"keep: the model has no layer 'haed'\. Did you mean 'head'"):
        applied(workload_of(ConvNet), tmp_path, name, keep=("haed",))


class WithUnused(ConvNet):
    def __init__(self):
        super().__init__()
        self.spare = nn.Linear(8, 4)


def test_a_layer_that_computes_nothing_of_the_graph_is_named(tmp_path):
    workload = workload_of(ConvNet)
    workload = workload.with_model(WithUnused().eval())
    with pytest.raises(CandidateFailed, match="nothing in the exported graph is computed by spare"):
        applied(workload, tmp_path, "onnxruntime", precision="int8_dynamic", keep=("head", "spare"))


def test_what_calibration_never_reached_is_named(tmp_path):
    workload = workload_of(ConvNet, batch=2, samples=3)
    workload = workload.with_model(WithUnused().eval())
    module = applied(workload, tmp_path, "onnxruntime", precision="int8_static")
    known = technique("onnxruntime")
    notes = known.account(known.config("int8_static"), Context(tmp_path, HARDWARE)).notes
    assert notes[0].startswith("Int8 ranges from 6 samples, fewer than the 32")
    assert notes[1] == "No sample reached spare, which an engine leaves out."
    assert "int8 ranges from 6 samples" in repr(module)


def test_a_recipe_says_what_is_kept_and_survives_writing():
    recipe = Recipe.of(("int8_dynamic", {"keep": ["head", "layer3.0.conv2"]}))
    assert recipe.title == "int8_dynamic (but for head, layer3.0.conv2)"
    assert recipe.steps[0].config.keep == ("head", "layer3.0.conv2")
    assert (
        Recipe.parse(recipe.to_yaml())
        == Recipe.parse(recipe.to_json())
        == Recipe.from_report(recipe.report())
        == recipe
    )
    many = Recipe.of(("onnxruntime", {"precision": "int8_dynamic", "keep": list("abcde")}))
    assert many.title == "onnxruntime (int8_dynamic, but for a, b, c and 2 more)"
    with pytest.raises(RecipeError, match="keep"):
        Recipe.of(("int8_dynamic", {"keep": "head"}))


def test_every_quantizing_technique_can_keep_layers():
    for name in ("int8_dynamic", "int8_weights", "int4_weights", "float8", "int8_static", "onnxruntime", "openvino"):
        config: Config = technique(name).config()
        assert config.keep == ()
