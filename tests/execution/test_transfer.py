"""A workload reaches a trial whole, and nothing a trial does reaches the workload."""

from __future__ import annotations

import functools
import importlib.util
import mmap
import random
import sys
import threading

import cloudpickle
import pytest
import torch
from torch import nn

from tauto.errors import NotTransferable, TrialFailed
from tauto.execution import Job, load, save_workload
from tauto.execution.importable import importable

NET = """
import torch
from torch import nn

class CellNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
    def forward(self, x):
        return scaled(self.first(x))

def scaled(x):
    return x * FACTOR

FACTOR = 2.0
"""
DATA = """
import torch
pairs = [(torch.ones(4) * i, i % 2) for i in range(12)]

def accuracy(model):
    loader = torch.utils.data.DataLoader(pairs, batch_size=4, num_workers=2)
    with torch.inference_mode():
        return sum(float(model(x).sum()) for x, _ in loader)
"""


@pytest.fixture
def trial(local, workspace):
    def trial(name, /, **sent):
        path = workspace.path / "workload.pt"
        save_workload(sent, path)
        return local.run(Job(f"trials:{name}", {"path": str(path)}, workspace.folder(name), wall_limit_s=120))

    return trial


@pytest.fixture
def net():
    import beside

    return beside.Net().eval()


def test_a_trial_that_zeroes_every_weight_changes_nothing_here(trial, net, workspace):
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    storages = {name: tensor.data_ptr() for name, tensor in net.state_dict().items()}
    outcome = trial("zero", model=net)
    assert outcome.result == 0.0
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert {name: tensor.data_ptr() for name, tensor in net.state_dict().items()} == storages
    assert not any(tensor.is_shared() for tensor in net.parameters())
    sent = load(workspace.path / "workload.pt")["model"].state_dict()
    assert all(torch.equal(tensor, before[name]) for name, tensor in sent.items())


def test_sending_leaves_random_state_and_registry_alone(net, workspace):
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    registry = cloudpickle.list_registry_pickle_by_value()
    save_workload({"model": net}, workspace.path / "w.pt")
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert random.getstate() == python_state
    assert cloudpickle.list_registry_pickle_by_value() == registry


def test_tied_weights_stay_tied(trial, net):
    assert trial("tied", model=net).result is True


def test_the_file_is_private_and_whole(net, workspace):
    path = workspace.path / "w.pt"
    save_workload({"model": net}, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in workspace.path.iterdir()] == ["w.pt"]


@pytest.mark.parametrize("how", ["outputs", "compiled"])
def test_a_class_of_a_file_beside_the_notebook(trial, net, how):
    inputs = torch.rand(2, 4)
    assert trial(how, model=net, inputs=inputs).result == net(inputs).tolist()


@pytest.mark.parametrize("how", ["outputs", "compiled"])
def test_a_class_of_a_notebook_cell(trial, main_classes, how):
    model, inputs = main_classes(NET)["CellNet"](), torch.rand(2, 4)
    assert trial(how, model=model, inputs=inputs).result == model(inputs).tolist()


@pytest.mark.parametrize("how", ["outputs", "compiled"])
def test_a_class_of_a_file_loaded_by_its_path(trial, tmp_path, monkeypatch, how):
    path = tmp_path / "away" / "usernet.py"
    path.parent.mkdir()
    path.write_text(NET)
    spec = importlib.util.spec_from_file_location("usernet", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "usernet", module)
    spec.loader.exec_module(module)
    model, inputs = module.CellNet(), torch.rand(2, 4)
    assert not importable(module)
    assert trial(how, model=model, inputs=inputs).result == model(inputs).tolist()


def test_a_module_hidden_by_another_of_its_name_is_not_importable(tmp_path, monkeypatch):
    import beside

    assert importable(beside)
    (tmp_path / "beside.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not importable(beside)


def test_modules_that_are_installed_or_builtin_are_importable():
    assert all(importable(module) for module in (torch, torch.ops, nn.functional, sys, random))


def test_evaluate_may_use_loader_workers(trial, net, main_classes):
    accuracy = main_classes(DATA)["accuracy"]
    outcome = trial("evaluate", model=net, evaluate=accuracy)
    assert outcome.failure is None
    assert outcome.result == pytest.approx(accuracy(net))


def test_lambdas_and_partials_travel(trial, net):
    evaluate = functools.partial(lambda model, scale: scale * sum(1 for _ in model.modules()), scale=2)
    assert trial("evaluate", model=net, evaluate=evaluate).result == 8


CACHED = """
from functools import cache, lru_cache

@lru_cache(maxsize=3)
def steps(n):
    return 1 if n < 2 else steps(n - 1) + steps(n - 2)

@cache
def evaluate(model):
    return steps(10) + len(list(model.modules()))
"""


def test_cached_functions_of_a_notebook_cell_travel(trial, net, main_classes):
    names = main_classes(CACHED)
    assert trial("evaluate", model=net, evaluate=names["evaluate"]).result == names["evaluate"](net)
    assert names["steps"].cache_parameters() == {"maxsize": 3, "typed": False}


LOCK = threading.Lock()


def locked(model):
    with LOCK:
        return 1.0


class Locked(nn.Module):
    def forward(self, x):
        with LOCK:
            return x


def with_lock():
    model = nn.Sequential(nn.Linear(2, 2), nn.Module())
    model.encoder = nn.Module()
    model.encoder.parts = {"locks": [threading.Lock()]}
    return model


def with_weight_norm():
    return nn.Sequential(nn.ReLU(), nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)))


def scripted():
    with pytest.warns(DeprecationWarning, match="deprecated"):
        return nn.Sequential(torch.jit.script(nn.Linear(2, 2)))


def numbers():
    yield 1


@pytest.mark.parametrize(
    ("make", "words", "way"),
    [
        (lambda: {"model": with_lock()}, "model.encoder.parts['locks'][0] (a _thread.lock) cannot", "factory="),
        (with_lock, "model.encoder.parts['locks'][0] (a _thread.lock) cannot", "factory="),
        (Locked, "model.forward's variable 'LOCK' (a _thread.lock)", "factory="),
        (with_weight_norm, "model.1 (a torch.nn.utils.parametrize.ParametrizedLinear)", "factory="),
        (scripted, "model.0 (a torch.jit._script.RecursiveScriptModule)", "factory="),
        (lambda: {"evaluate": locked}, "evaluate's variable 'LOCK' (a _thread.lock)", "inside the function"),
        (lambda: {"data": numbers()}, "data (a generator)", "leave it out"),
        (lambda: {"data": [mmap.mmap(-1, 9)]}, "data[0] (a mmap.mmap)", "leave it out"),
    ],
)
def test_what_cannot_be_sent_is_named_with_the_way_round(make, words, way, workspace, monkeypatch):
    # As a module that cannot be imported by name: its classes and functions go by value, with what they use.
    monkeypatch.setattr("tauto.execution.importable.importable", lambda module: module.__name__ != __name__)
    path = workspace.path / "w.pt"
    with pytest.raises(NotTransferable) as caught:
        save_workload(make(), path)
    assert str(caught.value).startswith(words)
    assert way in str(caught.value)
    assert list(workspace.path.iterdir()) == []


def test_a_full_disk_is_one_clear_line(net, workspace, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(TrialFailed, match=r"No space is left for .*w\.pt .* TAUTO_WORK"):
        save_workload({"model": net}, workspace.path / "w.pt")
