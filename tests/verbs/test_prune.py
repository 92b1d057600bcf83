"""Prune for real: to a size, to no use, and to zeros; and what it says when it cannot be had."""

from __future__ import annotations

import time

import pruning_models
import pytest
import torch
from torch import nn

import tauto
from tauto.errors import InvalidArgument
from tauto.verbs.prune import parse_share

pytestmark = pytest.mark.alone


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))


def classes():
    generator = torch.Generator().manual_seed(1)
    centres = torch.randn(4, 32, generator=generator)
    labels = torch.randint(0, 4, (512,), generator=generator)
    return centres[labels] + 0.5 * torch.randn(512, 32, generator=generator), labels


ROWS, LABELS = classes()
BATCHES = [(ROWS[part], LABELS[part]) for part in torch.arange(512).split(64)]


def accuracy(model):
    with torch.no_grad():
        return float((model(ROWS).argmax(1) == LABELS).float().mean())


class Waiting(nn.Module):
    """Most of its time is no arithmetic."""

    def __init__(self):
        super().__init__()
        self.layers = pruning_models.plain(32, 64, 64, 4)

    def forward(self, x):
        time.sleep(0.01)
        return self.layers(x)


class Priced(nn.Module):
    """Takes as long as its hidden layers are wide."""

    def __init__(self):
        super().__init__()
        self.layers = pruning_models.plain(32, 128, 128, 4)

    def forward(self, x):
        time.sleep(1e-4 * (self.layers[0].out_features + self.layers[2].out_features))
        return self.layers(x)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = pruning_models.plain(32, 256, 256, 4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for rows, labels in BATCHES * 4:
        nn.functional.cross_entropy(model(rows), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


def test_a_size_is_reached_with_the_quality_held_and_the_proof_beside_it(net):
    before = [parameter.detach().clone() for parameter in net.parameters()]
    result = tauto.prune(
        net, data=BATCHES, evaluate=accuracy, loss=nn.CrossEntropyLoss(), size="120kB", budget="8min", name="net"
    )
    assert result.verdict == "improved", result.reason
    assert result.confirmed.optimized.size_bytes <= 120_000
    assert accuracy(result.model) >= 0.99 * accuracy(net)
    assert result.model.module[0].out_features < 256
    assert "reaches 120 kB" in result.trials[result.winner].reason
    text = str(result)
    assert "Channels: 0 256 →" in text
    assert "4 (the model's outputs are made of it)" in text
    assert "fewer FLOPs" in result.explain()
    first = result.channels[0]
    assert (first.name, first.after) == ("0", result.model.module[0].out_features)
    assert "".join(first.rows).count("#") == first.after
    assert {one.name: one.shape_after[0] for one in result.pictures}["0"] == first.after
    assert "Of the channels of each layer stayed: 0 " in result.explain()
    assert all(torch.equal(one, other) for one, other in zip(before, net.parameters(), strict=True))
    compile(result.script(), "optimize.py", "exec")


@pytest.fixture
def one_thread():
    """A thread of torch's that has slept may take longer to wake than the model takes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_speed_is_reached_by_measuring(one_thread):
    torch.manual_seed(0)
    model = Priced().eval()
    result = tauto.prune(
        model, inputs=ROWS[:64], evaluate=lambda net: 1.0, speedup="1.8x", budget="8min", name="priced"
    )
    assert result.verdict == "improved", result.reason
    assert result.confirmed.speedup > 1.7
    assert result.recipe.steps[0].config.spread == "sensitivity"
    assert sum(result.model.module.layers[at].out_features for at in (0, 2)) < 160


def test_fewer_flops_and_no_faster_keeps_the_original():
    torch.manual_seed(0)
    model = Waiting().eval()
    result = tauto.prune(model, inputs=ROWS, evaluate=lambda net: 1.0, budget="8min", name="waiting")
    assert result.verdict == "kept_original"
    assert result.model is model
    assert "fewer FLOPs and" in result.reason
    assert "faster" in result.reason
    assert result.trials[0].comparison.size_ratio < 0.6


def test_zeros_are_in_place_as_asked_and_told_of_as_they_are(net):
    result = tauto.prune(
        net, data=BATCHES, evaluate=accuracy, structure="weights", sparsity="60%", epochs=0, budget="8min"
    )
    assert result.verdict == "applied", result.reason
    assert "60% of the weights at zero" in result.trials[0].reason
    assert result.confirmed.size_ratio == pytest.approx(1.0)
    zeros = sum(int((each == 0).sum()) for each in result.model.parameters() if each.ndim > 1)
    assert zeros == round(0.6 * (32 * 256 + 256 * 256 + 256 * 4))
    assert "compressed by zlib" in str(result)
    (missing,) = result.not_tried
    assert missing.reason == "60% zeros are too few: sparse kernels are worth a try from 85%"


@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="the sparse kernels are MKL's")
def test_sparse_kernels_are_tried_on_many_zeros_and_told_with_what_they_bring():
    torch.manual_seed(0)
    model = pruning_models.plain(256, 512, 512, 4).eval()
    result = tauto.prune(
        model, inputs=torch.randn(64, 256), evaluate=lambda net: 1.0, structure="weights", sparsity=0.9, budget="8min"
    )
    dense, sparse = result.trials
    assert sparse.recipe.title == f"{dense.recipe.title} → sparse_kernels"
    assert "of 3 linear layers by sparse kernels" in sparse.reason
    assert dense.comparison.size_ratio == pytest.approx(1.0)
    assert sparse.comparison.size_ratio < 0.35
    assert sparse.comparison.speedup > 0.5 * dense.comparison.speedup  # more is not to be had of a busy machine
    assert result.verdict in {"improved", "applied"}, result.reason


def test_a_quality_that_cannot_be_kept_is_the_nearest_miss(net):
    answers = net(ROWS).detach()

    def closeness(model):
        return -float((model(ROWS) - answers).square().mean())

    result = tauto.prune(
        net, data=BATCHES, evaluate=closeness, max_drop=0.0, size="118kB", importance="l1", epochs=0, budget="8min"
    )
    assert result.verdict == "infeasible"
    assert "the allowed quality drop is what binds; nearest miss at 118 kB, prune (" in result.reason
    assert result.model is net


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sparsity": 1.0}, "sparsity: 1.0 is no share"),
        ({"sparsity": "half"}, "sparsity: 'half' is no share"),
        ({"sparsity": True}, "sparsity: True is no share"),
        ({"sparsity": 0.5, "speedup": 2}, "speedup: sparsity and speedup are given"),
        ({"speedup": "0.5x"}, "speedup: '0.5x' is no speedup"),
        ({"latency": "-3ms"}, "latency: '-3ms' is not a time"),
        ({"size": "five"}, "size: 'five' is no size"),
        ({"size": "500MB"}, "size: the model is 301 kB as it is, within the 500 MB asked for"),
        ({"speedup": 2, "structure": "weights"}, "speedup: zeros take the time and the room"),
        ({"structure": "chanels"}, "structure: there is no 'chanels'. Did you mean 'channels'"),
        ({"importance": "tailor"}, "importance: there is no 'tailor'. Did you mean 'taylor'"),
        ({"importance": "taylor", "structure": "weights"}, "importance: it says nothing for structure='weights'"),
        ({"steps": 0}, "steps: 0 is no number of steps"),
        ({"steps": 2, "schedule": "one-shot"}, "say different things"),
        ({"schedule": "square"}, "schedule: there is no 'square'"),
        ({"schedule": "rewind"}, "epochs: 'rewind' gives weights back"),
        ({"epochs": 3}, "epochs: there is nothing to train with"),
        ({"loss": nn.CrossEntropyLoss()}, "loss: there is nothing to train on"),
        ({"ratios": {"0": 2.0}}, "ratios: '0=2.0' is no share"),
        ({"structure": "2:4", "sparsity": 0.7}, "sparsity: 2:4 sets two of every four"),
    ],
)
def test_what_cannot_be_asked_is_named_before_any_work(net, options, words):
    with pytest.raises(InvalidArgument, match=words):
        tauto.prune(net, inputs=ROWS, **options)


def test_a_model_that_is_being_pruned_or_was_optimized_is_refused_by_name(net):
    model = pruning_models.plain(32, 16, 4)
    torch.nn.utils.prune.l1_unstructured(model[2], "weight", 0.5)
    with pytest.raises(InvalidArgument, match=r"model: 2 carries a mask of torch.nn.utils.prune over its weight"):
        tauto.prune(model, inputs=ROWS)
    from tauto.recipes import OptimizedModel, Recipe

    with pytest.raises(InvalidArgument, match="model: it is optimized already"):
        tauto.prune(OptimizedModel(net, Recipe.of("prune"), net), inputs=ROWS)


def test_a_recipe_that_trains_is_applied_with_what_it_trains_with(net, monkeypatch):
    seen = []
    monkeypatch.setattr("tauto.verbs.apply.apply_recipe", lambda _, workload, **__: seen.append(workload.training))
    loss = nn.CrossEntropyLoss()
    tauto.apply(tauto.Recipe.of(("prune", {"epochs": 1})), net, data=BATCHES, loss=loss)
    tauto.apply(tauto.Recipe.of("fold_batchnorm"), nn.Sequential(nn.Linear(32, 4), nn.BatchNorm1d(4)), data=BATCHES)
    assert (seen[0].loss, seen[0].loader) == (loss, BATCHES)
    assert seen[1] is None  # what trains nothing has no labels sent to its trials


def test_steps_and_a_schedule_say_each_other(net, monkeypatch):
    plans = []
    monkeypatch.setattr("tauto.verbs.prune.tune", lambda workload, plan, hardware: plans.append(plan))
    monkeypatch.setattr("tauto.verbs.prune.deliver_tuned", lambda tuned, *_, **__: tuned)
    for options in ({}, {"steps": 4}, {"schedule": "linear"}):
        tauto.prune(net, data=BATCHES, **options)
    titles = [plan.space().recipes[0].title for plan in plans]
    assert titles == [
        "prune (50% of channels, 3 epochs)",
        "prune (50% of channels, 4 steps cubic, 3 epochs each)",
        "prune (50% of channels, 3 steps linear, 3 epochs each)",
    ]


def test_a_share_is_written_in_either_way():
    assert (parse_share("25%"), parse_share(".25"), parse_share(0.25)) == (0.25, 0.25, 0.25)
