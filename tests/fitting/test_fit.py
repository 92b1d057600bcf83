"""Training: it learns, gives the best state back, is the same each time, and leaves all else as it was."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest
import torch
from fitting_workloads import accuracy, digits, loader, net, same
from torch import nn
from torch.nn.utils import prune
from torch.utils.data import RandomSampler

from tauto import rendering
from tauto.events import listening
from tauto.fitting import Plan, fit
from tauto.workload.state import generators_of

CROSS = nn.CrossEntropyLoss()
QUICK = Plan(epochs=2, learning_rate=0.01)


def test_it_learns_and_the_users_model_stays_bit_equal():
    model = net()
    before = copy.deepcopy(model)
    fitted = fit(model, loader(1200), CROSS, Plan(epochs=4, learning_rate=0.01), evaluate=accuracy)
    report = fitted.report
    assert same(model, before)
    assert accuracy(fitted.model.eval()) == report.best_score > 0.85 > report.first_score
    assert report.stopped == "finished"
    assert report.steps == report.planned_steps == len(report.losses) == 4 * 19
    assert [point.step for point in report.points] == [0, 19, 38, 57, 76]
    assert report.losses[-1] < report.losses[0] / 2
    assert "Accuracy" in rendering.headline(report)


def test_the_same_seed_gives_the_same_bits_and_another_others():
    one, two = (fit(net(), loader(), CROSS, QUICK) for _ in range(2))
    other = fit(net(), loader(), CROSS, Plan(epochs=2, learning_rate=0.01, seed=1))
    assert same(one.model, two.model)
    assert one.report.losses == two.report.losses
    assert not same(one.model, other.model)


def test_a_loaders_own_generator_is_seeded_and_given_back():
    data = loader(generator=torch.Generator().manual_seed(5))
    state = data.generator.get_state()
    one = fit(net(), data, CROSS, QUICK)
    assert torch.equal(data.generator.get_state(), state)
    data.generator.manual_seed(99)
    assert same(one.model, fit(net(), data, CROSS, QUICK).model)
    assert generators_of(data) == [data.generator]


def test_the_process_is_left_as_it_was():
    model = net()
    model[1].eval()
    model[0].weight.grad = gradient = torch.ones(32, 64)
    model.register_forward_hook(lambda *_: None)
    torch.manual_seed(3)
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    trained = fit(model, loader(), CROSS, QUICK, in_place=True).model
    assert trained is model
    assert [module.training for module in model] == [True, False, True, True, True]
    assert model[0].weight.grad is gradient
    assert model[4].weight.grad is None
    assert len(model._forward_hooks) == 1
    assert states == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())


def test_without_gradients_around_it():
    model = net()
    with torch.inference_mode():
        fitted = fit(model, loader(), CROSS, QUICK)
    with torch.no_grad():
        again = fit(model, loader(), CROSS, QUICK)
    assert same(fitted.model, again.model)
    assert not any(each.is_inference() for each in fitted.model.parameters())


def test_a_users_accelerator_is_left_alone():
    accelerate = pytest.importorskip("accelerate")
    theirs = accelerate.Accelerator(cpu=True, mixed_precision="bf16")
    fit(net(), loader(), CROSS, QUICK)
    assert theirs.mixed_precision == "bf16"
    assert accelerate.Accelerator().mixed_precision == "bf16"
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)
    accelerate.state.GradientState._reset_state()


def test_the_best_state_comes_back_and_not_the_last():
    scores = iter([0.1, 0.5, 0.9, 0.3, 0.2])
    seen = []

    def evaluate(model):
        seen.append(copy.deepcopy(model))
        return {"score": next(scores), "other": 1.0}

    fitted = fit(net(), loader(), CROSS, Plan(epochs=4), evaluate=evaluate, metric="score")
    assert fitted.report.best_step == 20
    assert fitted.report.rolled_back
    assert same(fitted.model, seen[2])
    assert [point.score for point in fitted.report.points] == [0.1, 0.5, 0.9, 0.3, 0.2]


def test_the_model_as_given_is_a_candidate():
    model = net()
    scores = iter([1.0, 0.5, 0.5, 0.5])
    fitted = fit(model, loader(), CROSS, Plan(epochs=3), evaluate=lambda _: next(scores))
    assert same(fitted.model, model)
    assert "Kept as it was given" in rendering.headline(fitted.report)


def test_lower_can_be_better():
    scores = iter([3.0, 1.0, 2.0])
    fitted = fit(net(), loader(), CROSS, Plan(epochs=2), evaluate=lambda _: next(scores), higher_is_better=False)
    assert (fitted.report.best_step, fitted.report.best_score) == (10, 1.0)


def test_it_stops_early():
    scores = iter([0.1, 0.5, 0.4, 0.5])
    fitted = fit(net(), loader(), CROSS, Plan(epochs=9, patience=2), evaluate=lambda _: next(scores))
    assert fitted.report.stopped == "early_stopping"
    assert (fitted.report.steps, fitted.report.best_step) == (30, 10)
    assert "no better 2 times" in fitted.report.reason


def test_a_loss_that_is_no_longer_finite_rolls_back():
    calls = iter(range(99))

    def objective(model, batch):
        loss = CROSS(model(batch[0]), batch[1])
        return loss * float("nan") if next(calls) == 24 else loss

    fitted = fit(net(), loader(), plan=Plan(epochs=4), objective=objective)
    two = fit(net(), loader(), CROSS, Plan(steps=40))
    assert fitted.report.stopped == "not_finite"
    assert "the loss became nan at step 25" in fitted.report.reason
    assert fitted.report.best_step == 20
    assert fitted.report.points == two.report.points[:2]
    assert "rolled back" in rendering.headline(fitted.report)


def test_weights_that_are_no_longer_finite_roll_back():
    model = net()
    plan = Plan(epochs=1, clip=None, warmup=0)
    fitted = fit(model, loader(64), CROSS, plan, optimizer=lambda p: torch.optim.SGD(p, lr=float("inf")))
    assert "a weight became NaN or infinite at step 1" in fitted.report.reason
    assert same(fitted.model, model)


def test_a_loss_that_diverges_stops_it():
    plan = Plan(epochs=40, clip=None, warmup=0, schedule="constant")
    wild = fit(net(), loader(), CROSS, plan, optimizer=lambda p: torch.optim.SGD(p, lr=3000.0))
    assert wild.report.stopped == "diverged"
    assert wild.report.steps < wild.report.planned_steps
    assert "the loss diverged" in rendering.headline(wild.report)


def test_a_loss_that_rises_from_nothing_is_no_divergence():
    calls = iter(range(99))
    rising = fit(net(), loader(), plan=Plan(steps=60), objective=lambda m, b: CROSS(m(b[0]), b[1]) * 1e-3 * next(calls))
    assert rising.report.stopped == "finished"


def test_an_evaluate_that_fails_later_ends_it_with_the_best():
    scores = iter([0.5, 0.6, float("nan")])
    fitted = fit(net(), loader(), CROSS, Plan(epochs=9), evaluate=lambda _: next(scores))
    assert (fitted.report.stopped, fitted.report.best_step) == ("raised", 10)
    assert "not a finite number" in fitted.report.reason


def test_a_dict_batch_and_the_models_own_loss():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = net()

        def forward(self, pixels, labels=None):
            logits = self.body(pixels)
            return {"logits": logits, **({"loss": CROSS(logits, labels)} if labels is not None else {})}

    images, labels = digits()
    batches = [{"pixels": images[at : at + 64], "labels": labels[at : at + 64], "id": "x"} for at in (0, 64)]
    own = fit(Own(), batches, plan=Plan(steps=6))
    given = fit(Own(), batches, lambda outputs, label: CROSS(outputs["logits"], label), Plan(steps=6))
    assert own.report.losses == given.report.losses


def test_an_objective_with_parameters_of_its_own_and_a_teacher():
    class Projected(nn.Module):
        def __init__(self, teacher):
            super().__init__()
            self.projection = nn.Linear(10, 10)
            self.teacher = teacher

        def forward(self, model, batch):
            assert not self.teacher.training
            return (self.projection(model(batch[0])) - self.teacher(batch[0])).square().mean()

    teacher = net(1)
    objective, kept = Projected(teacher), copy.deepcopy(teacher)
    start = copy.deepcopy(objective.projection)
    fitted = fit(net(), loader(), plan=QUICK, objective=objective, teacher=teacher)
    assert same(teacher, kept)
    assert teacher.training
    assert not same(objective.projection, start)
    assert fitted.report.losses[-1] < fitted.report.losses[0]


def test_a_label_that_is_also_an_input_and_weights_that_are_tied():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(20, 16)
            self.head = nn.Linear(16, 20, bias=False)
            self.head.weight = self.words.weight

        def forward(self, tokens, labels=None):
            return {"loss": CROSS(self.head(self.words(tokens)).flatten(0, 1), labels.flatten())}

    tokens = torch.randint(0, 20, (4, 8))
    fitted = fit(Tied(), [{"tokens": tokens, "labels": tokens}], plan=Plan(steps=5))
    assert fitted.model.head.weight is fitted.model.words.weight
    assert fitted.report.losses[-1] < fitted.report.losses[0]


def test_masks_of_torchs_own_pruning_hold():
    model = net()
    prune.l1_unstructured(model[0], "weight", 0.5)
    before = model[0].weight_orig.detach().clone()
    trained = fit(model, loader(), CROSS, QUICK).model
    trained(digits()[0])
    assert torch.equal(trained[0].weight == 0, model[0].weight_mask == 0)
    assert torch.equal(model[0].weight_orig, before)
    assert not torch.equal(trained[0].weight_orig, before)


def test_buffers_that_grow_are_rolled_back_too():
    class Seen(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = net()
            self.register_buffer("seen", torch.zeros(0), persistent=False)

        def forward(self, images):
            self.seen = torch.cat([self.seen, images.mean().reshape(1)])
            return self.body(images)

    scores = iter([0.0, 1.0, 0.5])
    fitted = fit(Seen(), loader(), CROSS, QUICK, evaluate=lambda _: next(scores))
    assert len(fitted.model.seen) == 10


def test_frozen_parameters_stay():
    model = net()
    model[0].requires_grad_(False)
    fitted = fit(model, loader(), CROSS, QUICK)
    assert same(fitted.model[0], model[0])
    assert not fitted.model[0].weight.requires_grad
    assert fitted.report.trained_parameters == 64 + 330


def test_a_loader_that_does_not_say_its_length_is_trained_on_by_steps():
    class Endless(torch.utils.data.IterableDataset):
        def __iter__(self):
            images, labels = digits()
            for at in range(0, 320, 64):
                yield images[at : at + 64], labels[at : at + 64]

    data = torch.utils.data.DataLoader(Endless(), batch_size=None)
    fitted = fit(net(), data, CROSS, Plan(steps=12, evaluate_every=4))
    assert [(point.step, point.epoch) for point in fitted.report.points] == [(4, 1), (8, 2), (12, 3)]


def test_progress_says_how_long_it_takes():
    seen = []
    with listening(seen.append):
        fit(net(), loader(), CROSS, QUICK, task="prune")
    assert [one.done for one in seen] == [pytest.approx(step / 20) for step in range(1, 21)]
    assert seen[0].task == "prune"
    assert "epoch 1, step 1 of 20, loss" in seen[0].message
    assert seen[-1].seconds_left == 0
    assert all(one.seconds_left > 0 for one in seen[:-1])


def test_the_learning_rate_rises_then_falls():
    plan = Plan(steps=20, warmup=0.2)
    rates = [plan.rate(step, 20) for step in range(20)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1.0
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0 < rates[-1] < 0.02
    assert Plan(steps=5, warmup=0, schedule="constant").rate(4, 5) == 1


def test_a_users_sampler_may_draw_with_replacement():
    images, labels = digits()
    data = torch.utils.data.TensorDataset(images[:300], labels[:300])
    sampler = RandomSampler(data, replacement=True, num_samples=320, generator=torch.Generator())
    batches = torch.utils.data.DataLoader(data, batch_size=64, sampler=sampler)
    one, two = (fit(net(), batches, CROSS, QUICK) for _ in range(2))
    assert same(one.model, two.model)


def test_it_ends_with_what_it_has_when_its_time_is_over():
    report = fit(net(), loader(), CROSS, Plan(epochs=100_000, learning_rate=0.01, limit_s=0.2)).report
    assert report.stopped == "out_of_time"
    assert 0 < report.steps < report.planned_steps
    assert report.best_step > 0
    assert "its 0.2 s were over after step" in rendering.headline(report)
