"""Training in which numbers are rounded."""

import copy
import json
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.recipes import Recipe, build, script_of
from tauto.techniques import Context, technique
from tauto.techniques.quantization.aware import QuantizationAwareConfig
from tauto.techniques.quantization.rounding import RoundedWeight, round_layers, rounding_ends
from tauto.workload import Workload

HARDWARE = Hardware.current()
QAT = technique("qat")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.up = nn.ConvTranspose2d(8, 4, 2)
        self.head = nn.Linear(4, 3)
        self.spare = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.up(self.norm(self.conv(x)).relu()).mean((2, 3)))


def loader():
    drawn = torch.Generator().manual_seed(0)
    return [torch.randn(8, 1, 8, 8, generator=drawn) for _ in range(4)]


def given(**training):
    torch.manual_seed(0)
    batches = [(x, torch.arange(8) % 3) for x in loader()] if "loss" in training else loader()
    return Workload.of(Net(), data=batches, trains=True, **training)


def test_rounding_is_to_so_many_steps_and_lets_gradients_through():
    weight = torch.randn(3, 64, requires_grad=True)
    rounded = RoundedWeight(0, 4, 32)(weight)
    for group in rounded.detach().reshape(-1, 32):
        assert 1 < len(group.unique()) <= 15
    rounded.sum().backward()
    assert torch.equal(weight.grad, torch.ones_like(weight))
    channels = RoundedWeight(1, 8, None)(torch.diag(torch.tensor([1.0, 100.0])))
    torch.testing.assert_close(channels, torch.diag(torch.tensor([1.0, 100.0])))


@pytest.mark.parametrize("bits", [8, 4])
def test_rounding_changes_answers_and_ends_without_a_trace(bits):
    model = Net().eval()
    state, x = copy.deepcopy(model.state_dict()), torch.randn(2, 1, 8, 8)
    before = model(x)
    assert round_layers(model, bits, ["head"]) == ["conv", "up", "spare"]
    error = (model(x) - before).norm() / before.norm()
    assert 1e-5 < error < 0.5
    rounding_ends(model)
    assert torch.equal(model(x), before)
    assert list(model.state_dict()) == list(state)
    assert type(model.conv) is nn.Conv2d
    assert not model.conv._forward_pre_hooks


def test_it_trains_once_and_gives_plain_layers(tmp_path):
    workload, context = given(loss=nn.CrossEntropyLoss()), Context(tmp_path, HARDWARE)
    before = copy.deepcopy(workload.model.state_dict())
    config = QuantizationAwareConfig(epochs=2, learning_rate=1e-3)
    trained = QAT.apply(workload, config, context)
    assert type(trained.conv) is nn.Conv2d
    assert not torch.equal(trained.conv.weight, before["conv.weight"])
    assert all(torch.equal(value, before[name]) for name, value in workload.model.state_dict().items())
    again = QAT.apply(workload, config, Context(tmp_path, HARDWARE, may_prepare=False))
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in trained.state_dict().items())
    notes = " ".join(QAT.account(config, context).notes)
    assert "Rounded while training: conv, up, head." in notes
    assert "No call reached spare: left as given." in notes
    assert "for 8 steps" in notes


def test_a_rounded_model_that_was_trained_for_it_errs_less(tmp_path):
    """Coarse weights: what rounding costs is what the training is for."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 8)).eval()
    drawn = torch.Generator().manual_seed(0)
    data = [torch.randn(32, 32, generator=drawn) for _ in range(16)]
    workload = Workload.of(model, data=data, trains=True)

    def error(net):
        rounded = copy.deepcopy(net)
        round_layers(rounded, 4, ())
        x = torch.randn(256, 32, generator=torch.Generator().manual_seed(5))
        with torch.no_grad():
            return float((rounded(x) - model(x)).norm() / model(x).norm())

    config = QuantizationAwareConfig(bits=4, epochs=10, learning_rate=2e-3)
    trained = QAT.apply(workload, config, Context(tmp_path, HARDWARE))
    assert error(trained) < 0.8 * error(model)


def test_the_users_own_function_trains(tmp_path):
    seen = []

    def finetune(model):
        seen.append(isinstance(model.conv.parametrizations.weight[0], RoundedWeight))
        with torch.no_grad():
            model.head.bias.add_(1.0)

    workload = given(finetune=finetune, evaluate=lambda model: float(model.head.bias.sum()))
    trained = QAT.apply(workload, QuantizationAwareConfig(epochs=1), Context(tmp_path, HARDWARE))
    assert seen == [True]
    torch.testing.assert_close(trained.head.bias, workload.model.head.bias + 1)


def test_a_training_that_brings_nothing_gives_the_weights_back(tmp_path):
    workload, config = given(), QuantizationAwareConfig(epochs=1, learning_rate=10.0)
    trained = QAT.apply(workload, config, Context(tmp_path, HARDWARE))
    assert torch.equal(trained.conv.weight, workload.model.conv.weight)
    notes = QAT.account(config, Context(tmp_path, HARDWARE)).notes
    assert "brought nothing" in notes[1]
    assert "No call reached spare" in notes[2]


def test_with_a_loss_alone_the_weights_as_given_are_a_candidate_too(tmp_path):
    workload = given(loss=nn.CrossEntropyLoss())
    config = QuantizationAwareConfig(epochs=1, learning_rate=10.0)
    trained = QAT.apply(workload, config, Context(tmp_path, HARDWARE))
    assert torch.equal(trained.conv.weight, workload.model.conv.weight)
    assert "brought nothing" in QAT.account(config, Context(tmp_path, HARDWARE)).notes[1]


def test_the_users_figure_tells_the_best_state(tmp_path):
    figures = iter([0.5, 0.9, 0.2])

    def finetune(model, epoch):
        with torch.no_grad():
            model.head.bias.fill_(epoch + 1.0)

    workload = given(finetune=finetune, evaluate=lambda model: {"top1": next(figures), "other": 0.0})
    trained = QAT.apply(workload, QuantizationAwareConfig(epochs=2), Context(tmp_path, HARDWARE))
    assert torch.equal(trained.head.bias, torch.full((3,), 1.0))


@pytest.mark.parametrize("given_as", ["inputs", "data"])
def test_without_a_figure_the_nearest_answers_choose_the_state_of_the_users_function(given_as, tmp_path):
    """Nearest after the second of three calls, which takes away what rounding adds to the mean answer."""
    torch.manual_seed(0)
    net, x = Net().eval(), torch.cat(loader())
    right = net.head.bias.detach().clone()

    def finetune(model, epoch):
        with torch.no_grad(), serving(model):
            model.head.bias.copy_(right)
            nearer = (net(x) - model(x)).mean(0)
            model.head.bias.add_(nearer if epoch == 1 and helps else 3.0)

    workload = Workload.of(net, **{given_as: x if given_as == "inputs" else loader()}, finetune=finetune, trains=True)
    config, found = QuantizationAwareConfig(bits=4, epochs=3), {}
    for helps in (True, False):
        context = Context(tmp_path / str(helps), HARDWARE)
        moved = QAT.apply(workload, config, context).head.bias - right
        found[helps] = float(moved.abs().max()), " ".join(QAT.account(config, context).notes)
    assert 0 < found[True][0] < 0.5
    assert found[False][0] == 0
    assert "brought nothing" in found[False][1]
    for _, words in found.values():
        assert "chosen by how far its rounded answers are from the original's" in words
        assert "evaluate=" in words


@contextmanager
def serving(model):
    """The model as it is when it is judged."""
    model.eval()
    yield
    model.train()


def test_a_training_that_fails_is_no_candidate(tmp_path):
    def finetune(model):
        raise OSError("the disk is gone")

    with pytest.raises(CandidateFailed, match="the disk is gone"):
        QAT.apply(given(finetune=finetune), QuantizationAwareConfig(epochs=1), Context(tmp_path, HARDWARE))


def test_it_stands_before_what_quantizes(tmp_path):
    recipe = Recipe.of(("qat", {"epochs": None, "steps": 2}), "fold_batchnorm", ("int8_dynamic", {"keep": ["spare"]}))
    assert recipe.title == "qat (8 bits, 2 steps) → fold_batchnorm → int8_dynamic (but for spare)"
    assert Recipe.parse(recipe.to_json()) == recipe
    changed = build(recipe, given(), Context(tmp_path, HARDWARE)).module
    assert changed.head.weight.qdata.dtype == torch.int8
    _, first, *_ = recipe.digests
    assert json.loads((tmp_path / first / "trained" / "layers.json").read_text())["missed"] == ["spare"]


def test_it_says_what_it_needs():
    untrained = Workload.of(Net(), inputs=torch.randn(1, 1, 8, 8))
    assert "nothing to train with" in QAT.applies_to(untrained, HARDWARE).reason
    norm = Workload.of(nn.LayerNorm(4), data=[torch.randn(2, 4)], trains=True)
    assert "only those are rounded" in QAT.applies_to(norm, HARDWARE).reason


def test_its_script_runs_without_tauto(tmp_path):
    source = script_of(Recipe.of(("qat", {"epochs": None, "steps": 2})))
    assert "tauto" not in "".join(line for line in source.splitlines() if "import" in line)
    names = {"__name__": "optimize"}
    exec(compile(source, "optimize.py", "exec", dont_inherit=True), names)
    x = torch.randn(8, 1, 8, 8)
    trained = names["optimize"](Net(), (x,), {}, [((x,), {})])
    assert trained(x).shape == (8, 3)
    assert type(trained.conv) is nn.Conv2d
