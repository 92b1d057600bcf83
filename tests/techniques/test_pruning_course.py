"""What comes with a cut: steps, training, masks, statistics; and what the account says of it."""

from __future__ import annotations

import math

import pruning_models
import pytest
import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.events import listening
from tauto.hardware import Hardware
from tauto.recipes import Recipe, build, placed
from tauto.techniques import Context
from tauto.techniques.pruning.course import course_of_cuts, course_of_zeros, share_after
from tauto.techniques.pruning.cuts import distance, reestimate_norms
from tauto.techniques.pruning.technique import PruneConfig, PruneWeightsConfig
from tauto.workload import Workload

HARDWARE = Hardware.current()


def spirals():
    """Return rows of 16 numbers in 4 classes that a small net learns in a few epochs."""
    generator = torch.Generator().manual_seed(1)
    centres = torch.randn(4, 16, generator=generator)
    labels = torch.randint(0, 4, (256,), generator=generator)
    return centres[labels] + 0.5 * torch.randn(256, 16, generator=generator), labels


ROWS, LABELS = spirals()
BATCHES = [(ROWS[part], LABELS[part]) for part in torch.arange(256).split(64)]


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = pruning_models.plain(16, 64, 64, 4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for rows, labels in BATCHES * 10:
        nn.functional.cross_entropy(model(rows), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


def accuracy(model):
    with torch.no_grad():
        return float((model(ROWS).argmax(1) == LABELS).float().mean())


def workload(model, **keywords):
    return Workload.of(model, inputs=ROWS[:64], **{"data": BATCHES, "trains": True, **keywords})


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        ("one-shot", [0.8, 0.8, 0.8, 0.8]),
        ("linear", [0.2, 0.4, 0.6, 0.8]),
        ("cubic", [0.8 * (1 - 0.75**3), 0.7, 0.8 * (1 - 0.25**3), 0.8]),
        ("rewind", [1 - 0.2**0.25, 1 - 0.2**0.5, 1 - 0.2**0.75, 0.8]),
    ],
)
def test_how_much_is_gone_after_each_step(schedule, shares):
    assert [share_after(schedule, 0.8, step, 4) for step in (1, 2, 3, 4)] == pytest.approx(shares)


class Fussy(nn.Module):
    """Its forward pass fails when its first layer is narrower than 40."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(16, 64), nn.Linear(64, 64), nn.Linear(64, 4)

    def forward(self, x):
        x = self.first(x).relu()
        if x.shape[1] < 40:
            raise RuntimeError("too narrow")
        return self.last(self.second(x).relu())


def test_each_step_is_checked_and_what_could_be_cut_no_further_is_named(tmp_path):
    torch.manual_seed(0)
    config = PruneConfig(sparsity=0.7, steps=3, schedule="linear", epochs=1)
    given, context = workload(Fussy().eval()), Context(tmp_path, HARDWARE)
    recipe = Recipe.of(("prune", config))
    model = build(recipe, given, context).module
    assert 40 <= model.first.out_features < 64
    assert model.second.out_features == 16
    [(step, here)] = placed(recipe, context)
    notes = step.technique.account(config, here).notes
    assert "Cut no further: first (the forward pass fails when it is narrower (RuntimeError: too narrow))." in notes
    assert not any(note.startswith("Left as it is: first") for note in notes)


def test_what_a_small_first_step_left_and_a_later_one_cut_is_not_told_as_left():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 4)).eval()
    course = course_of_cuts(workload(model), PruneConfig(sparsity=0.5, steps=6, schedule="linear"))
    assert {cut.name for cut in course.cuts} == {"0", "2"}
    assert set(course.left) == {"4"}
    assert not course.halted


def test_most_of_a_net_goes_and_training_brings_it_back(net):
    cut, heard = course_of_cuts(workload(net), PruneConfig(sparsity=0.8)), []
    with listening(heard.append):
        trained = course_of_cuts(
            workload(net, loss=nn.CrossEntropyLoss()),
            PruneConfig(sparsity=0.8, steps=2, schedule="linear", epochs=8, learning_rate=1e-2),
        )
    assert [one.message.partition(", loss")[0] for one in (heard[0], heard[-1])] == [
        "step 1 of 2, epoch 1, step 1 of 32", "step 2 of 2, epoch 8, step 32 of 32"
    ]  # fmt: skip
    assert heard[31].seconds_left > 0, "the second training is still to come"
    assert heard[-1].seconds_left == 0
    assert [layer.out_features for layer in trained.model if isinstance(layer, nn.Linear)] == [16, 16, 4]
    assert [(one.name, one.before, one.after) for one in trained.cuts] == [
        ("0", 64, 40), ("2", 64, 40), ("0", 40, 16), ("2", 40, 16)
    ]  # fmt: skip
    assert len(trained.trainings) == 2
    assert accuracy(trained.model) > 0.97
    assert accuracy(trained.model) > accuracy(cut.model)
    assert not any(parameter.requires_grad for parameter in trained.model.parameters())


def test_without_a_loss_it_learns_from_the_original(net):
    data = [rows for rows, _ in BATCHES]
    cut = course_of_cuts(workload(net, data=data), PruneConfig(sparsity=0.7))
    taught = course_of_cuts(workload(net, data=data), PruneConfig(sparsity=0.7, epochs=20, learning_rate=1e-2))
    calls, right = [((ROWS,), {})], [[net(ROWS).detach()]]
    assert distance(taught.model, calls, right) < 0.7 * distance(cut.model, calls, right)


def test_rewinding_gives_what_is_left_its_first_weights(net):
    config = PruneWeightsConfig(sparsity=0.6, steps=2, schedule="rewind", epochs=1, learning_rate=1e-9)
    course = course_of_zeros(workload(net, loss=nn.CrossEntropyLoss()), config)
    kept = course.model[0].weight != 0
    torch.testing.assert_close(course.model[0].weight[kept], net[0].weight.detach()[kept], rtol=1e-3, atol=1e-5)
    moved = []

    def finetune(model):
        moved.append([parameter.detach().clone() for parameter in model.parameters()])
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 1

    config = PruneConfig(steps=2, schedule="rewind", epochs=1)
    course = course_of_cuts(workload(net, data=None, finetune=finetune), config)
    second = moved[1][0]  # the first layer as the second training found it: rows of the original's
    first = net[0].weight.detach()
    assert all(any(torch.equal(row, other) for other in first) for row in second)


def test_what_is_zero_stays_zero_while_it_is_trained(net):
    before = accuracy(net)
    course = course_of_zeros(
        workload(net, loss=nn.CrossEntropyLoss()),
        PruneWeightsConfig(sparsity=0.9, steps=3, schedule="cubic", epochs=5, learning_rate=1e-2),
    )
    zeros, weights = (sum(counts) for counts in zip(*course.zeros.values(), strict=True))
    assert zeros == round(0.9 * weights)
    assert not any("mask" in name for name, _ in course.model.named_buffers())
    assert accuracy(course.model) > before - 0.05


def test_a_function_that_breaks_the_model_is_rolled_back_and_told_of(net, tmp_path):
    def finetune(model):
        with torch.no_grad():
            model[0].weight.fill_(math.nan)

    config = PruneConfig(epochs=1)
    given = workload(net, data=None, finetune=finetune)
    context = Context(tmp_path, HARDWARE)
    recipe = Recipe.of(("prune", config))
    model = build(recipe, given, context)
    assert torch.isfinite(model(ROWS)).all()
    [(step, here)] = placed(recipe, context)
    notes = step.technique.account(config, here).notes
    assert any("rolled back to its best state (before any training): a weight became NaN" in note for note in notes)
    assert any("judged over the data that it was trained on" in note for note in notes)


def test_a_function_that_makes_it_worse_is_undone_and_told_of(net, tmp_path):
    def finetune(model, epoch):
        with torch.no_grad():
            model[0].weight.normal_(std=1.0 if epoch else 1e-6).mul_(epoch * 9)

    config, context = PruneConfig(epochs=2), Context(tmp_path, HARDWARE)
    given = workload(net, data=None, finetune=finetune, evaluate=accuracy)
    build(Recipe.of(("prune", config)), given, context)
    [(step, here)] = placed(Recipe.of(("prune", config)), context)
    notes = step.technique.account(config, here).notes
    assert any(note.startswith("Trained once, for 2 epochs") for note in notes)
    assert "What it was before any training is kept, since it was the best by accuracy." in notes


def test_nothing_to_train_with_is_said(net):
    with pytest.raises(CandidateFailed, match="nothing to train with was given"):
        course_of_cuts(Workload.of(net, inputs=ROWS), PruneConfig(epochs=2))


def test_statistics_are_taken_anew_only_where_the_answers_come_nearer():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8)).train()
    for _ in range(50):
        model(ROWS)
    model.eval()
    calls, right = [((ROWS,), {})], [[model(ROWS).detach()]]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    assert not reestimate_norms(model, calls, right)  # they are right as they are
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    model[1].running_mean += 1
    assert reestimate_norms(model, calls, right)
    assert distance(model, calls, right) < 0.2
    assert not model[1].training
    assert model[1].momentum == 0.1


def test_the_part_in_the_loss_counts_where_it_is_asked_for():
    """Weights that are large and do nothing go first by ``taylor``, and last by their size."""
    torch.manual_seed(0)
    model = pruning_models.plain(16, 32, 4)
    with torch.no_grad():
        model[0].weight[16:] *= 20
        model[0].bias[16:] = -1e4  # they never fire
    given = workload(model.eval(), loss=nn.CrossEntropyLoss())
    by_size = course_of_cuts(given, PruneConfig()).cuts[0].removed
    by_part = course_of_cuts(given, PruneConfig(importance="taylor")).cuts[0].removed
    assert set(by_size) == set(range(16))
    assert set(by_part) == set(range(16, 32))


def test_a_second_process_reads_what_the_first_made_and_trains_nothing(net, tmp_path):
    calls = []

    def finetune(model):
        calls.append(1)

    recipe = Recipe.of(("prune", PruneConfig(epochs=1)))
    given = workload(net, data=None, finetune=finetune)
    one = build(recipe, given, Context(tmp_path, HARDWARE))
    other = build(recipe, Workload.of(net, inputs=ROWS), Context(tmp_path, HARDWARE, may_prepare=False))
    assert torch.equal(one(ROWS), other(ROWS))
    assert len(calls) == 1
    with pytest.raises(CandidateFailed, match="was not prepared"):
        build(recipe, given, Context(tmp_path / "empty", HARDWARE, may_prepare=False))
