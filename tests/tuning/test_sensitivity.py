"""Which layer hurts when it alone is quantized: found, ordered, within a budget, with the model untouched."""

from __future__ import annotations

import copy

import pytest
import torch
from fragile_by_hand import FRAGILE, batches, fragile_net
from torch import nn

from tauto.errors import InvalidArgument, ModelError
from tauto.hardware import Hardware
from tauto.measurement import Deviation
from tauto.reports import report_from_dict
from tauto.tuning.budget import Budget
from tauto.tuning.fake_quantization import Scheme
from tauto.tuning.sensitivity import NEVER_CALLED, Sensitivity
from tauto.workload import Workload


class Clock:
    """Each look at it takes a second."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def analysed(model, data, scheme=None, budget=None, **rules):
    analysis = Sensitivity(Workload.of(model, data=data, **rules), scheme or Scheme(), budget or Budget(600.0))
    analysis.run()
    return analysis.report(Hardware.current(), estimate=False)


@pytest.fixture(scope="module")
def net():
    return fragile_net()


@pytest.fixture(scope="module")
def accuracy(net):
    truth = [net(batch).argmax(1) for batch in batches()]

    def accuracy(model):
        return float(sum((model(x).argmax(1) == y).sum() for x, y in zip(batches(), truth, strict=True)) / 256)

    return accuracy


def test_the_fragile_layer_comes_first_by_far(net, accuracy):
    found = analysed(net, batches(), evaluate=accuracy)
    assert found.rows[0].path == FRAGILE
    assert found.rows[0].error.snr_db < 15 < 35 < found.rows[1].error.snr_db
    assert found.rows[0].quality[0].held is False
    assert all(row.quality for row in found.rows)
    assert found.evaluated == len(found.rows) == 5
    assert (found.samples, found.batches) == (256, 8)
    assert found.together.snr_db <= found.rows[0].error.snr_db + 1
    assert report_from_dict(found.to_dict()) == found


def test_parametrized_layers_are_measured_and_the_model_keeps_them():
    norms = nn.utils.parametrizations
    model = nn.Sequential(norms.weight_norm(nn.Linear(6, 8)), nn.ReLU(), norms.spectral_norm(nn.Linear(8, 4))).eval()
    x = torch.randn(16, 6, generator=torch.Generator().manual_seed(0))
    expected = model(x)
    found = analysed(model, [x])
    assert {row.path for row in found.rows} == {"0", "2"}
    assert all(20 < row.error.snr_db < 80 for row in found.rows)
    assert torch.equal(model(x), expected)


def test_the_figure_is_that_of_the_outputs(net):
    x = batches()[0]
    found = analysed(net, [x])
    row = next(row for row in found.rows if row.path == "head")
    # the last layer, by hand: its input in 256 steps, its weights by rows in 127
    with torch.no_grad():
        taken = net.late(torch.relu(net.fragile(inside(net, x)))).relu()
        scale = float(taken.max()) / 255
        rounded = torch.round(taken / scale).clamp(0, 255) * scale
        steps = net.head.weight.abs().amax(1, keepdim=True) / 127
        weight = torch.round(net.head.weight / steps) * steps
        total = Deviation()
        total.add([net(x)], [rounded @ weight.T + net.head.bias])
    assert row.error.snr_db == pytest.approx(total.error().snr_db, abs=0.05)
    assert row.own.snr_db == pytest.approx(row.error.snr_db, abs=1e-6)


def inside(net, x):
    hidden = torch.relu(net.middle(torch.relu(net.stem(x))))
    return torch.cat([hidden, net.outlier * (1 + hidden[:, :1].abs())], 1)


def test_the_model_stays_as_it_is(net, accuracy):
    before, random = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    model = net.train()
    analysed(model, batches(2), evaluate=accuracy)
    assert model.training
    assert all(module.training for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), random)
    net.eval()


def test_weights_alone_do_not_see_the_outlier(net):
    found = analysed(net, batches(2), Scheme(8, "none"))
    assert min(row.error.snr_db for row in found.rows) > 35


def test_four_bits_are_coarser(net):
    found = analysed(net, batches(2), Scheme(4, "none"))
    assert found.bits == 4
    assert max(row.error.snr_db for row in found.rows) < 40
    assert all(row.time_saved is None for row in found.rows)


def test_a_budget_that_is_used_up_leaves_rows_open(net):
    found = analysed(net, batches(), budget=Budget(9.0, clock=Clock()))
    measured = [row for row in found.rows if row.error is not None]
    assert 0 < len(measured) < len(found.rows)
    assert all(row.own is not None for row in found.rows)
    assert found.rows[0].path == FRAGILE  # the worst by its own error was measured first


def test_a_layer_that_is_never_called_is_named():
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Linear(4, 3), nn.Linear(4, 3)

        def forward(self, x):
            return self.used(x)

    found = analysed(Idle().eval(), [torch.randn(4, 4)])
    assert [row.path for row in found.rows] == ["used"]
    assert [(one.path, one.reason) for one in found.unmeasured] == [("idle", NEVER_CALLED)]


def test_answers_that_are_numbers_of_classes_are_compared_too():
    class Classes(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 3)

        def forward(self, x):
            return self.fc(x).argmax(1)

    found = analysed(Classes().eval(), [torch.randn(64, 4)])
    assert found.rows[0].error.snr_db is None
    assert 0 <= found.rows[0].error.changed < 0.2


def test_a_layer_used_twice_is_one_layer():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)
            self.again = self.fc

        def forward(self, x):
            return self.again(torch.relu(self.fc(x)))

    found = analysed(Twice().eval(), [torch.randn(8, 4)])
    assert [(row.path, row.also) for row in found.rows] == [("fc", ("again",))]


def test_an_interrupt_keeps_what_was_measured(net):
    def evaluate(model):
        raise KeyboardInterrupt

    found = analysed(net, batches(1), evaluate=evaluate)
    assert found.interrupted
    assert all(row.error is not None for row in found.rows)
    assert found.evaluated == 0


def test_a_model_that_fails_on_the_way_is_told_in_its_own_words():
    class Moody(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.calls = nn.Linear(4, 3), 0

        def forward(self, x):
            self.calls += 1
            if self.calls > 2:
                raise RuntimeError("enough for today")
            return self.fc(x)

    with pytest.raises(ModelError, match="enough for today"):
        analysed(Moody().eval(), [torch.randn(4, 4)])


def test_nothing_to_quantize_is_said():
    with pytest.raises(InvalidArgument, match="no layer that can be quantized"):
        analysed(nn.BatchNorm1d(4).eval(), [torch.randn(8, 4)])
