"""A user's own function in the loop's place: the best state comes back, whatever the function does."""

from __future__ import annotations

import copy
import signal

import pytest
import torch
from fitting_workloads import accuracy, digits, loader, net, same
from torch import nn

from tauto import rendering
from tauto.errors import Interrupted, InvalidArgument, ModelError
from tauto.fitting import Plan, fit_with, fitter

CROSS = nn.CrossEntropyLoss()


def epoch_of_training(model, epoch, rate=0.1):
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for images, labels in loader():
        optimizer.zero_grad()
        loss = CROSS(model(images), labels)
        loss.backward()
        optimizer.step()
    return loss.detach()


def three_epochs(model):
    for epoch in range(3):
        epoch_of_training(model, epoch)


def test_a_function_of_the_model_is_called_once():
    model = net()
    before = copy.deepcopy(model)
    fitted = fit_with(model, three_epochs, evaluate=accuracy)
    assert same(model, before)
    assert fitted.report.unit == "call"
    assert fitted.report.method == "three_epochs"
    assert accuracy(fitted.model.eval()) == fitted.report.best_score > 0.8
    assert "rolled" not in rendering.headline(fitted.report)


def test_a_function_of_the_epoch_is_called_for_each_and_judged_by_its_losses():
    fitted = fit_with(net(), epoch_of_training, Plan(epochs=4))
    assert fitted.report.unit == "epoch"
    assert len(fitted.report.losses) == fitted.report.steps == 4
    assert fitted.report.best_score == min(fitted.report.losses)


def test_without_any_measure_the_last_state_counts():
    fitted = fit_with(net(), three_epochs)
    again = fit_with(net(), three_epochs)
    assert (fitted.report.best_step, fitted.report.best_score) == (1, None)
    assert same(fitted.model, again.model)
    assert not same(fitted.model, net())
    assert "not judged" in rendering.headline(fitted.report)


def test_a_returned_model_is_taken_over():
    def finetune(model):
        three_epochs(twin := copy.deepcopy(model))
        return twin

    assert same(fit_with(net(), finetune).model, fit_with(net(), three_epochs).model)
    with pytest.raises(ModelError, match="another architecture"):
        fit_with(net(), lambda model: nn.Linear(3, 3))


def test_what_raises_gives_the_best_before():
    def finetune(model, epoch):
        if epoch == 2:
            model[0].weight.data.zero_()
            raise ValueError("the disk is full")
        return epoch_of_training(model, epoch)

    fitted = fit_with(net(), finetune, Plan(epochs=5), evaluate=accuracy)
    two = fit_with(net(), epoch_of_training, Plan(epochs=2), evaluate=accuracy)
    assert fitted.report.stopped == "raised"
    assert same(fitted.model, two.model)
    assert "finetune raised ValueError: the disk is full" in rendering.headline(fitted.report)


@pytest.mark.parametrize("way", ["weights", "loss", "score"])
def test_what_is_no_number_any_more_rolls_back(way):
    def finetune(model, epoch):
        if epoch == 1 and way != "loss":
            model[0].weight.data[0, 0] = float("nan" if way == "weights" else 1e30)
        return float("nan") if epoch == 1 and way == "loss" else None

    scores = iter([0.0, 1.0, float("nan")])
    model = net()
    fitted = fit_with(model, finetune, Plan(epochs=3), evaluate=lambda _: next(scores), in_place=True)
    assert fitted.model is model
    assert fitted.report.stopped == ("raised" if way == "score" else "not_finite")
    assert fitted.report.best_step == 1
    assert same(model, net())


def test_it_stops_early_and_asks_for_an_interface_it_knows():
    fitted = fit_with(net(), lambda model, epoch: 1.0, Plan(epochs=9, patience=2))
    assert (fitted.report.stopped, fitted.report.steps) == ("early_stopping", 3)
    with pytest.raises(InvalidArgument, match=r"finetune\(model\) or finetune\(model, epoch\)"):
        fit_with(net(), lambda: None)
    with pytest.raises(InvalidArgument, match="takes neither"):
        fit_with(net(), lambda model, epoch, other: None)
    with pytest.raises(InvalidArgument, match="an int cannot be called"):
        fit_with(net(), 3)
    with pytest.raises(InvalidArgument, match="Write epochs="):
        fit_with(net(), lambda model, epoch: None, Plan(steps=3))


def test_it_must_not_change_what_the_model_is_made_of():
    def finetune(model):
        model[4] = nn.Linear(32, 11)

    with pytest.raises(ModelError, match="finetune changed what the model is made of"):
        fit_with(net(), finetune)


def test_the_models_own_settings_come_back():
    def finetune(model):
        model.eval()
        model[0].requires_grad_(False)
        three_epochs(model)

    model = net()
    fit_with(model, finetune, in_place=True)
    assert model.training
    assert model[0].weight.requires_grad
    assert model[0].weight.grad is None


def test_an_interrupt_gives_the_best_so_far():
    def finetune(model, epoch):
        if epoch == 2:
            signal.raise_signal(signal.SIGINT)
        return epoch_of_training(model, epoch)

    with pytest.raises(Interrupted) as stopped:
        fit_with(net(), finetune, Plan(epochs=5))
    fitted = stopped.value.result
    assert fitted.report.stopped == "interrupted"
    assert same(fitted.model, fit_with(net(), epoch_of_training, Plan(epochs=2)).model)


def test_either_can_be_settled_beforehand():
    own = fitter(epoch_of_training, Plan(epochs=2), evaluate=accuracy)
    loop = fitter(loader=loader(), loss=CROSS, plan=Plan(epochs=2), evaluate=accuracy)
    for fit in (own, loop):
        model = net()
        fitted = fit(model, in_place=True)
        assert fitted.model is model
        assert fitted.report.metric == "accuracy"
    for wrong in ({}, {"finetune": three_epochs, "loader": digits()}):
        with pytest.raises(InvalidArgument, match="give either a function"):
            fitter(**wrong)
