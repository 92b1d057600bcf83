"""``tauto.compile``: a real search of one candidate, and what is refused before any work."""

from __future__ import annotations

import dataclasses
import os

import pytest
import torch
from torch import nn

import tauto
from tauto.errors import InvalidArgument
from tauto.hardware import Hardware
from tauto.recipes import OptimizedModel, Recipe


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(32, 48), nn.Linear(48, 8)

    def forward(self, x):
        y = self.first(x).sigmoid() * 2
        if y.mean() > 1000:
            y = y - 1
        return self.second(y.tanh() + y.sin() * y.cos())


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))


def test_a_compiled_model_comes_with_what_compiling_met():
    torch.manual_seed(0)
    model = Net().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x = torch.randn(80, 32)
    found = tauto.compile(model, x, mode="default", dynamic=False, budget="9min")
    (trial,) = found.trials
    assert trial.status in ("kept", "rejected"), trial.reason
    assert trial.preparation_s > 0
    assert trial.notes[-1].startswith("Compiled 2 graphs in ")
    met = found.compilation
    assert (met.graphs, met.second_from, met.failure) == (2, "doubled batch", "")
    assert met.breaks[0].place.startswith("test_compile.py:")
    assert met.breaks[0].code == "if y.mean() > 1000:"
    assert met.cache_bytes > 0
    torch.testing.assert_close(found.model(x), model(x), rtol=1e-3, atol=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    text = str(found)
    assert "What the compiler met" in text
    assert "To change: compute both sides" in " ".join(text.split())
    assert "torch/_dynamo" not in text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"mode": "max-autotun"}, "mode: there is no 'max-autotun'. Did you mean 'max-autotune'"),
        ({"dynamic": "yes"}, "dynamic: 'yes' is neither True nor False"),
    ],
)
def test_a_mistake_is_told_before_any_work(options, says):
    with pytest.raises(InvalidArgument) as caught:
        tauto.compile(Net(), torch.zeros(2, 32), **options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_compiled_or_optimized_already_is_refused():
    model = Net()
    with pytest.raises(InvalidArgument, match=r"Give the model itself: model\._orig_mod"):
        tauto.compile(torch.compile(model, backend="eager"), torch.zeros(2, 32))
    with pytest.raises(InvalidArgument, match="it is optimized already"):
        tauto.compile(OptimizedModel(model, Recipe(()), model), torch.zeros(2, 32))


def test_someone_elses_cache_is_refused_with_what_to_set(monkeypatch, tmp_path):
    cache = tmp_path / "compiled"
    cache.mkdir()
    monkeypatch.setenv("TAUTO_COMPILED", str(cache))
    owner, lstat = os.geteuid(), type(cache).lstat

    class Foreign:
        def __init__(self, found):
            self.st_mode, self.st_uid = found.st_mode, owner + 1

    monkeypatch.setattr(type(cache), "lstat", lambda path: Foreign(lstat(path)) if path == cache else lstat(path))
    with pytest.raises(InvalidArgument, match=r"TAUTO_COMPILED: .* belongs to another user\. Set TAUTO_COMPILED"):
        tauto.compile(Net(), torch.zeros(2, 32))


def test_without_a_compiler_the_original_is_kept_and_what_to_install_is_told(monkeypatch):
    real = Hardware.current("cpu")
    bare = dataclasses.replace(real, compiler=None)
    monkeypatch.setattr(Hardware, "current", lambda *_: bare)
    found = tauto.compile(Net(), torch.zeros(80, 32), budget="9min")
    assert found.verdict == "kept_original"
    assert found.not_tried[0].reason == "no C++ compiler was found"
    assert found.compilation.graphs == 2
