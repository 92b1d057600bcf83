"""Profile, compare and measure by their verbs; what is remembered of them."""

from __future__ import annotations

import pytest
import torch
from distillation_by_hand import distillation
from reports_by_hand import comparison, tuning
from torch import nn

import tauto
from tauto.errors import InvalidArgument
from tauto.results import DistillationResult, TuningResult
from tauto.results.last import forget_last, set_last


@pytest.fixture(autouse=True)
def _fresh(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    forget_last()


@pytest.fixture
def net():
    return nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, 4)).train()


X = torch.zeros(8, 32)


def test_nothing_yet_says_so():
    for ask in (tauto.last, tauto.script):
        with pytest.raises(InvalidArgument, match=r"Run|has been run"):
            ask()
    assert len(tauto.runs()) == 0


def test_a_student_of_ones_own_has_no_script_and_no_earlier_one_stands_for_it(net):
    set_last(TuningResult(tuning("kept_original"), net, None))
    assert "use the model as it is" in tauto.script()
    set_last(DistillationResult(distillation(comparison()), net, net))
    with pytest.raises(InvalidArgument, match=r"^result: a student of your own .* has no script"):
        tauto.script()


def test_a_model_is_profiled_for_inference_and_left_as_it_was(net):
    state = torch.get_rng_state()
    result = tauto.profile(net, X, name="net")
    assert result.roots[0].name == "net"
    assert not result.roots[0].training
    assert net.training
    assert torch.equal(state, torch.get_rng_state())
    assert tauto.last() is result


def test_a_block_is_profiled_as_it_is_and_its_error_rises(net):
    def work():
        net(X)
        return 1 / 0

    with pytest.raises(ZeroDivisionError), tauto.profile(names={"net": net}) as session:
        work()
    assert session.result.roots[0].training
    assert session.result.root_calls == 1
    with pytest.raises(InvalidArgument, match="inputs: they belong to a model"):
        tauto.profile(None, X)


@pytest.mark.alone
def test_a_copy_compared_is_hardly_ever_told_apart(net):
    result = tauto.compare(net, nn.Sequential(*net), X, names=("net", "same"))
    assert result.verdict == "same"
    assert result.agreement.cosine == pytest.approx(1.0)
    assert result.original.memory.reason
    assert net.training


def test_one_model_is_measured_alone(net):
    result = tauto.measure(net, X)
    assert 0 < result.latency.p50_ms <= result.latency.p95_ms
    assert result.parameters == 32 * 64 + 64 + 64 * 4 + 4
    assert result.latency.throughput_per_s == pytest.approx(8 / result.latency.p50_ms * 1e3, rel=1e-6)


def test_every_run_is_kept_and_read_back(net):
    tauto.profile(net, X)
    tauto.measure(net, X)
    kept = tauto.runs()
    assert [type(run).__name__ for run in kept] == ["MeasurementResult", "ProfileResult"]
    with pytest.raises(InvalidArgument, match="a MeasurementResult has no recipe"):
        tauto.script(kept[0])
