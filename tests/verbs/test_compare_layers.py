"""``tauto.compare(…, layers=True)`` and ``%tauto_compare a b --layers``: from models to a result that is kept."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

import tauto
from tauto.errors import InvalidArgument, ModelError
from tauto.results import LayersResult


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


@pytest.fixture
def worse(model):
    twin = copy.deepcopy(model)
    twin[2].weight.data *= 1.25
    return twin


def test_the_result_shows_itself_and_is_kept(model, worse):
    result = tauto.compare(model, worse, torch.randn(4, 6), layers=True, names=("net", "fast"))
    assert isinstance(result, LayersResult)
    assert tauto.last() is result
    assert (result.starts, result.worst) == ("2", "2")
    assert result.layer("0").error.snr_db == math.inf
    bundle = result._repr_mimebundle_()
    assert "fast against net, layer by layer" in bundle["text/plain"]
    assert "<table" in bundle["text/html"]
    assert "the error starts at layer 2, which also adds most" in result.explain()
    found = tauto.runs().rows[0]
    assert (found.verb, found.model) == ("compare --layers", "fast against net")
    with pytest.raises(InvalidArgument, match=r"no layer 'o' was compared. There is: 0, 1, 2\."):
        result.layer("o")


def test_all_batches_of_data_count(model, worse):
    data = [(torch.randn(4, 6), torch.zeros(4)) for _ in range(3)]
    result = tauto.compare(model, worse, data=data, layers=True)
    assert (result.samples, result.batches) == (12, 3)


def test_the_models_keep_their_modes(model, worse):
    model.train()
    worse[1].eval()
    tauto.compare(model, worse, torch.randn(4, 6), layers=True)
    assert [part.training for part in model.modules()] == [True] * 4
    assert [part.training for part in worse.modules()] == [True, True, False, True]


def test_a_model_from_the_store_of_an_engine_is_compared_by_its_outputs(model):
    pytest.importorskip("onnxruntime")
    inputs = torch.randn(4, 6)
    recipe = {"recipe": 1, "steps": [{"technique": "onnxruntime"}]}
    fast = tauto.apply(recipe, model, inputs=inputs).model
    result = tauto.compare(model, fast, inputs, layers=True, names=("net", "fast"))
    assert result.closed.startswith("fast is one piece (OnnxRuntimeEngine)")
    assert result.output.relative_error < 1e-5


def test_a_model_of_torch_ao_without_parameters(model):
    class Packed(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.body = nn.ModuleList()
            self.weights = [(net[0].weight.data, net[0].bias.data), (net[2].weight.data, net[2].bias.data)]

        def forward(self, x):
            first, second = self.weights
            return nn.functional.linear(nn.functional.linear(x, *first).relu(), *second)

    result = tauto.compare(model, Packed(model), torch.randn(2, 6), layers=True)
    assert result.output.snr_db == math.inf


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"b": 3}, InvalidArgument, "b: an int is not a torch.nn.Module"),
        ({"b": nn.Linear}, InvalidArgument, "b: Linear is a class"),
        ({"inputs": None}, InvalidArgument, "inputs: none are known for this model"),
        ({"inputs": torch.randn(2, 5)}, ModelError, "a: the model refuses them"),
        ({"evaluate": lambda net: 1.0}, InvalidArgument, "evaluate and metric are not used for that"),
        ({"b": nn.Sequential(nn.Linear(6, 4))}, ModelError, r"b: it cannot be compared with a: its output is \[4, 4\]"),
    ],
)
def test_what_is_wrong_is_one_line(model, worse, change, error, says):
    arguments = {"a": model, "b": worse, "inputs": torch.randn(4, 6), "layers": True} | change
    with pytest.raises(error, match=says) as found:
        tauto.compare(**arguments)
    assert "\n" not in str(found.value)
