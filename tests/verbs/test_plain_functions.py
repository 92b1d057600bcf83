"""The plain functions for scripts: exact counts, honest measures, and a model left as it was."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import tauto
from tauto.errors import InvalidArgument, ModelError, TautoError


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 10))


X = torch.randn(32, 64)


def state(model: nn.Module) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in model.state_dict().values()]


def test_parameters_are_counted_once_however_often_they_are_used():
    shared = nn.Linear(8, 8)
    assert tauto.count_parameters(nn.Sequential(shared, nn.ReLU(), shared)) == 72
    shared.bias.requires_grad_(False)
    assert tauto.count_parameters(shared, trainable_only=True) == 64


def test_flops_of_one_call_are_exact_and_the_same_again(net):
    products = 2 * 32 * (64 * 128 + 128 * 10)
    expected = products + 32 * 128 * 2 + 32 * 128  # batch norm with known statistics two an element, ReLU one
    assert tauto.count_flops(net, X) == expected
    assert tauto.count_flops(net, (X,)) == expected


def test_latency_has_its_spread(net):
    latency = tauto.measure_latency(net, X)
    assert 0 < latency.p05_ms <= latency.p50_ms <= latency.p95_ms
    assert latency.throughput_per_s == pytest.approx(32_000 / latency.p50_ms)


def test_memory_adds_up(net):
    report = tauto.measure_memory(net, X).report
    assert report.steady_bytes == sum(one.nbytes for one in (*net.parameters(), *net.buffers()))
    assert report.input_bytes == X.nbytes
    assert report.output_bytes == 32 * 10 * 4
    assert report.peak_bytes == report.steady_bytes + report.input_bytes + report.activation_bytes
    assert report.activation_bytes >= 32 * 128 * 4
    assert report.kept_for_backward_bytes > report.output_bytes


def test_a_quick_profile_is_a_few_lines_of_the_same_figures(net):
    found = tauto.quick_profile(net, X)
    assert found.report.flops == tauto.count_flops(net, X)
    assert found.report.gflops_per_s == pytest.approx(found.report.flops / found.report.latency.p50_ms / 1e6)
    assert len(str(found).splitlines()) < 25


def test_the_backward_pass_shows_by_module_and_leaves_the_model_as_it_was(net):
    net.train()
    net(X).sum().backward()
    gradients, before, generator = [p.grad.clone() for p in net.parameters()], state(net), torch.get_rng_state()
    backward = tauto.profile_backward_pass(net, X)
    forward = tauto.profile_forward_pass(net, X)
    assert all(torch.equal(p.grad, kept) for p, kept in zip(net.parameters(), gradients, strict=True))
    assert all(torch.equal(now, then) for now, then in zip(state(net), before, strict=True))
    assert torch.equal(torch.get_rng_state(), generator)
    assert net.training
    assert backward.modules[0].backward_ms > 0
    assert {phase.name for phase in backward.phases if phase.calls} >= {"forward", "backward"}
    assert all(row.backward_ms is None for row in forward.modules)


@pytest.mark.parametrize(
    "function",
    [tauto.count_flops, tauto.quick_profile, tauto.measure_latency, tauto.measure_memory, tauto.profile_backward_pass],
)
def test_inputs_that_the_model_refuses_are_one_line(net, function):
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(ModelError) as refused:
        function(net, torch.randn(2, 3))
    assert "mat1" in str(refused.value)
    assert all(torch.equal(now, before[name]) for name, now in net.state_dict().items())


def test_what_is_no_model_is_named():
    with pytest.raises(TautoError, match="model"):
        tauto.count_parameters("net")
    with pytest.raises(InvalidArgument, match="inputs"):
        tauto.count_flops(nn.Linear(2, 2))
