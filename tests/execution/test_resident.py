"""A model in a child behaves as one here, and its death is an error here."""

from __future__ import annotations

import copy
import gc
import importlib
import os
import signal
import threading
import time

import psutil
import pytest
import torch

from tauto.errors import CandidateFailed, ModelError, NotTransferable, TrialFailed
from tauto.execution import ResidentModule
from tauto.execution.frames import pack, unpack

X = torch.arange(6.0).reshape(2, 3)


@pytest.fixture
def residents(jobs_on_path):
    return importlib.import_module("residents")


@pytest.fixture
def resident(workspace, residents):
    like = residents.Model()(X, kind="nested"), residents.Output(X, (X,))
    module = ResidentModule("residents:build", {"weights": None}, workspace, like=like)
    yield module
    module.close()


def same(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return type(one) is type(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and all(map(same, one, other))
    return one == other


def test_it_answers_as_the_model_does(resident, residents):
    here = residents.Model()
    assert same(resident(X), here(X))
    assert same(resident(X[:1], kind="nested"), here(X[:1], kind="nested"))
    assert same(resident(X, kind="other", other={"y": X}), here(X, kind="other", other={"y": X}))
    out = resident(X, kind="dataclass")
    assert type(out) is residents.Output
    assert same((out.logits, out.hidden), (X, (X - 1,)))
    assert resident(X, kind="pid") != os.getpid()
    assert resident(X, kind="grad") is False


def test_a_small_view_of_a_large_tensor_and_one_with_history_can_be_sent(resident):
    large = torch.rand(1000, 1000, requires_grad=True)
    out = resident(large[5:7, ::2])
    assert torch.equal(out, 2 * large[5:7, ::2])
    assert not out.requires_grad
    out += 1  # what came back is writable


def test_errors_in_the_child_are_named_and_it_lives_on(resident):
    with pytest.raises(ModelError, match=r"isolated model raised KeyError: 'nonsense'"):
        resident(X, kind="nonsense")
    with pytest.raises(ModelError, match=r"returns a residents\.Unknown, which cannot come back"):
        resident(X, kind="unknown")
    assert same(resident(X), 2 * X)


def test_only_classes_that_the_original_returned_are_rebuilt(workspace):
    module = ResidentModule("residents:build", {}, workspace)
    with pytest.raises(ModelError, match=r"returned a residents\.Output, which the original did not"):
        module(X, kind="dataclass")
    module.close()


def test_a_crash_is_an_error_with_its_reason(resident):
    for _ in range(2):
        with pytest.raises(TrialFailed, match=r"isolated model crashed with SIGSEGV .* Apply its recipe again"):
            resident(X, kind="crash")
    assert not resident.alive
    assert "(ended)" in repr(resident)


def test_a_kill_from_outside_is_an_error_with_its_reason(resident):
    os.kill(resident(X, kind="pid"), signal.SIGKILL)
    with pytest.raises(TrialFailed, match="was killed with SIGKILL from outside"):
        resident(X)


def test_what_building_raises_rises_here(workspace):
    with pytest.raises(CandidateFailed, match="no engine of that name"):
        ResidentModule("residents:refuse", {}, workspace)
    with pytest.raises(TrialFailed, match=r"was not ready within 0\.5 s: stopped"):
        ResidentModule("residents:never", {}, workspace, ready_within_s=0.5)


def test_the_child_goes_with_the_module_or_when_closed(workspace, residents):
    module = ResidentModule("residents:build", {}, workspace)
    child = psutil.Process(module(X, kind="pid"))
    del module
    gc.collect()
    assert psutil.wait_procs([child], timeout=60)[1] == []
    module = ResidentModule("residents:build", {}, workspace)
    child = psutil.Process(module(X, kind="pid"))
    module.close()
    assert not child.is_running()
    with pytest.raises(TrialFailed, match="has been closed"):
        module(X)


def test_an_interrupted_call_does_no_harm_to_the_next(interruptible, resident, tmp_path):
    called, released = tmp_path / "called", tmp_path / "released"

    def interrupt():
        while not called.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        resident(X, kind="wait", other=(str(called), str(released)))
    thread.join()
    released.touch()
    assert same(resident(X + 1), 2 * (X + 1))


def test_what_makes_no_sense_is_refused(resident):
    with pytest.raises(ModelError, match="cannot be trained"):
        resident.train()
    assert resident.eval() is resident
    with pytest.raises(NotTransferable, match="Save its recipe"):
        copy.deepcopy(resident)


def test_a_long_workspace_path_is_no_obstacle(tmp_path, monkeypatch):
    from tauto.execution import new_workspace

    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / ("long" * 30)))
    module = ResidentModule("residents:build", {}, new_workspace())
    assert same(module(X), 2 * X)
    module.close()


@pytest.mark.parametrize(
    "tensor",
    [
        torch.rand(3, 4).to(torch.bfloat16),
        torch.rand(2, 2).to(torch.float8_e4m3fn),
        torch.tensor(True),
        torch.zeros(0, 3, dtype=torch.int64),
        torch.rand(2, 2, dtype=torch.complex64).conj(),
        torch.rand(4, 6).t()[::2],
    ],
)
def test_every_kind_of_tensor_survives_the_wire(tensor):
    header, (back, tail) = unpack(pack({"number": 1}, [tensor, X]))
    assert header == {"number": 1}
    assert back.dtype == tensor.dtype
    assert back.shape == tensor.shape
    assert torch.equal(back.to(torch.complex64), tensor.to(torch.complex64))
    assert torch.equal(tail, X)


def test_sparse_tensors_are_refused():
    with pytest.raises(ModelError, match="sparse or quantized"):
        pack({}, [torch.eye(3).to_sparse()])
