"""A course of trainings with one folder: what has ended is found done, what was cut off goes on."""

from __future__ import annotations

import signal

import pytest
import torch
from fitting_workloads import accuracy, digits, loader, net, same
from torch import nn

from tauto.errors import Interrupted, InvalidArgument
from tauto.fitting import Plan, fit, fit_with

CROSS = nn.CrossEntropyLoss()
PLAN = Plan(epochs=2, learning_rate=0.01)


def counting(stop_at: int | None = None):
    """Return an objective, and the steps that it was asked for; it is interrupted in one of them."""
    steps: list[int] = []

    def objective(model, batch):
        steps.append(1)
        if len(steps) == stop_at:
            signal.raise_signal(signal.SIGINT)
        return CROSS(model(batch[0]), batch[1])

    return objective, steps


def test_what_has_ended_is_found_done(tmp_path):
    objective, steps = counting()
    whole = fit(net(), loader(), plan=PLAN, objective=objective, evaluate=accuracy, checkpoint=tmp_path)
    other = fit(net(seed=1), loader(), plan=PLAN, objective=objective, evaluate=accuracy, checkpoint=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    taken = len(steps)
    again = fit(net(), loader(), plan=PLAN, objective=objective, evaluate=accuracy, checkpoint=tmp_path)
    assert len(steps) == taken
    assert same(again.model, whole.model)
    assert not same(again.model, other.model)
    assert again.report.points == whole.report.points
    assert (again.report.stopped, again.report.resumed_at) == ("finished", 20)
    assert again.report.before_s == pytest.approx(whole.report.wall_s, abs=0.1)
    longer = fit(net(), loader(), CROSS, Plan(epochs=3, learning_rate=0.01), checkpoint=tmp_path)
    assert longer.report.resumed_at is None


def test_early_stopping_is_not_gone_beyond(tmp_path):
    plan = Plan(epochs=30, learning_rate=0.05, patience=1)
    whole = fit(net(), loader(), CROSS, plan, evaluate=accuracy, checkpoint=tmp_path)
    assert whole.report.stopped == "early_stopping"
    again = fit(net(), loader(), CROSS, plan, evaluate=accuracy, checkpoint=tmp_path)
    assert (again.report.steps, again.report.reason) == (whole.report.steps, whole.report.reason)
    assert same(again.model, whole.model)


def test_what_was_cut_off_goes_on_in_the_folder(tmp_path):
    whole = fit(net(), loader(), CROSS, PLAN)
    objective, _ = counting(stop_at=7)
    with pytest.raises(Interrupted):
        fit(net(), loader(), plan=PLAN, objective=objective, checkpoint=tmp_path)
    again = fit(net(), loader(), plan=PLAN, objective=counting()[0], checkpoint=tmp_path)
    assert (again.report.resumed_at, again.report.stopped) == (7, "finished")
    assert same(again.model, whole.model)


def test_a_training_that_ran_out_of_time_goes_on_with_more(tmp_path):
    short = Plan(epochs=2, learning_rate=0.01, limit_s=1e-6)
    first = fit(net(), loader(), CROSS, short, checkpoint=tmp_path)
    assert (first.report.stopped, first.report.steps) == ("out_of_time", 1)
    assert first.report.reason == "its 1e-06 s were over after step 1 of 20, from which the same call goes on"
    again = fit(net(), loader(), CROSS, PLAN, checkpoint=tmp_path)
    assert again.report.resumed_at == 1
    assert same(again.model, fit(net(), loader(), CROSS, PLAN).model)


def test_what_diverged_is_not_kept(tmp_path):
    def objective(model, batch):
        return CROSS(model(batch[0]), batch[1]) * (torch.nan if len(tried) > 4 else 1)

    tried = [1] * 9
    with pytest.raises(Exception, match="nan"):
        fit(net(), loader(), plan=PLAN, objective=objective, checkpoint=tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_own_function_goes_on_between_its_calls(tmp_path):
    epochs = []

    def finetune(model, epoch):
        epochs.append(epoch)
        if len(epochs) == 3:
            raise KeyboardInterrupt
        images, labels = digits()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for batch in torch.randperm(640).split(64):
            optimizer.zero_grad()
            loss = CROSS(model(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
        return loss.detach()

    arguments = {"plan": Plan(epochs=4), "evaluate": accuracy}
    with pytest.raises(Interrupted):
        fit_with(net(), finetune, **arguments, checkpoint=tmp_path)
    again = fit_with(net(), finetune, **arguments, checkpoint=tmp_path)
    assert epochs == [0, 1, 2, 2, 3]
    assert again.report.resumed_at == 2
    whole = fit_with(net(), finetune, **arguments)
    assert same(again.model, whole.model)
    assert again.report.points == whole.report.points
    called = len(epochs)
    assert same(fit_with(net(), finetune, **arguments, checkpoint=tmp_path).model, whole.model)
    assert len(epochs) == called


def test_an_own_function_that_misses_its_optimizer_begins_anew(tmp_path):
    epochs, kept = [], {}

    def finetune(model, epoch):
        epochs.append(epoch)
        if epoch == 0:
            kept["optimizer"] = torch.optim.SGD(model.parameters(), lr=0.1)
        if len(epochs) == 3:
            kept.clear()  # as in the process of another trial
            raise KeyboardInterrupt
        images, labels = digits()
        kept["optimizer"].zero_grad()
        loss = CROSS(model(images), labels)
        loss.backward()
        kept["optimizer"].step()

    with pytest.raises(Interrupted):
        fit_with(net(), finetune, Plan(epochs=4), checkpoint=tmp_path)
    again = fit_with(net(), finetune, Plan(epochs=4), checkpoint=tmp_path)
    assert epochs == [0, 1, 2, 2, 0, 1, 2, 3]
    assert again.report.reason.endswith("first on: taken up after 2 of them, finetune raised KeyError: 'optimizer'")
    assert same(again.model, fit_with(net(), finetune, Plan(epochs=4)).model)


def test_a_short_training_is_saved_before_the_plan_says(tmp_path, monkeypatch):
    monkeypatch.setattr("tauto.fitting.checkpoint.SOONEST_S", 0.0)
    monkeypatch.setattr("tauto.fitting.checkpoint.SAVING_SHARE", 1e9)
    saved = []

    def objective(model, batch):
        saved.append(len(list(tmp_path.glob("*.pt"))))
        return CROSS(model(batch[0]), batch[1])

    fit(net(), loader(), plan=PLAN, objective=objective, checkpoint=tmp_path)
    assert saved == [0] + [1] * 19
    monkeypatch.setattr("tauto.fitting.checkpoint.SOONEST_S", 99.0)
    saved.clear()
    fit(net(seed=1), loader(), plan=PLAN, objective=objective, checkpoint=tmp_path)
    assert saved == [1] * 20  # of the first alone


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidArgument, match="no file that can be written"):
        fit(net(), loader(), CROSS, PLAN, checkpoint=tmp_path / "file" / "below")
