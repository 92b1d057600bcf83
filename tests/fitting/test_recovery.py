"""What the user gave decides how a changed model gets its quality back."""

from __future__ import annotations

import pytest
import torch
from fitting_workloads import accuracy, digits, loader, net, same
from torch import nn

from tauto.fitting import Plan, fit, recovery, trainable
from tauto.workload import Call
from tauto.workload.training import Training

CROSS = nn.CrossEntropyLoss()
PLAN = Plan(epochs=4, learning_rate=1e-2)


@pytest.fixture(scope="module")
def original():
    torch.manual_seed(0)
    return fit(net(), loader(), CROSS, PLAN).model.eval()


def damaged(original):
    """A copy as a workload makes it, with no parameter that requires a gradient, and half of a layer gone."""
    copy = net(dropout=0.1)
    copy.load_state_dict(original.state_dict())
    with torch.no_grad():
        copy[0].weight[::2] = 0
        copy[4].weight[:, 1::2] *= -1
    return copy.requires_grad_(False).eval()


@pytest.mark.parametrize("loss", [CROSS, None])
def test_it_is_trained_by_the_loader_and_the_loss_or_by_the_original(original, loss):
    before, kept = accuracy(original), net()
    kept.load_state_dict(original.state_dict())
    broken = damaged(original)
    was = accuracy(broken)
    train = recovery(Training(loader(), loss), original, PLAN, example=Call((digits()[0][:1],)))
    fitted = train(broken)
    assert was < before - 0.2
    assert accuracy(fitted.model.eval()) > was + 0.2
    assert accuracy(broken) == was
    assert same(original, kept)
    assert not original.training
    assert not any(each.requires_grad for each in (*broken.parameters(), *fitted.model.parameters()))
    again = train(broken, in_place=True)
    assert again.model is broken
    assert same(broken, fitted.model)


def test_the_users_function_comes_first_and_nothing_is_none(original):
    def finetune(model, epoch):
        assert all(each.requires_grad for each in model.parameters())
        return float(epoch)

    fitted = recovery(Training(loader(), None, finetune), original, PLAN)(damaged(original))
    assert (fitted.report.method, fitted.report.steps) == ("finetune", 4)
    assert recovery(None, original, PLAN) is None


def test_the_teacher_counts_beside_the_loss_where_it_is_asked_for(original):
    alone = recovery(Training(loader(), CROSS), original, Plan(steps=1))(damaged(original))
    mixed = recovery(Training(loader(), CROSS), original, Plan(steps=1), mixing=0.5)(damaged(original))
    taught = recovery(Training(loader(), None), original, Plan(steps=1))(damaged(original))
    one, half, other = (each.report.losses[0] for each in (alone, mixed, taught))
    assert half == pytest.approx((one + other) / 2)


def test_what_is_frozen_among_others_stays_frozen():
    model = net()
    model[0].requires_grad_(False)
    with trainable(model):
        assert not model[0].weight.requires_grad
    model.requires_grad_(False)
    with trainable(model):
        assert model[0].weight.requires_grad
    assert not any(each.requires_grad for each in model.parameters())
