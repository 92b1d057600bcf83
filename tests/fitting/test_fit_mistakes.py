"""What is wrong is said in one clear line, and the model stays."""

from __future__ import annotations

import copy

import pytest
import torch
from fitting_workloads import loader, net, same
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tauto.errors import EvaluateError, InvalidArgument, ModelError
from tauto.fitting import Plan, fit

CROSS = nn.CrossEntropyLoss()
ONE = Plan(epochs=1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "one of the two"),
        ({"epochs": 1, "steps": 1}, "one of the two"),
        ({"epochs": 0}, "epochs: 0 is no number of epochs"),
        ({"steps": -3}, "steps: -3"),
        ({"steps": 1.5}, r"steps: 1\.5"),
        ({"epochs": True}, "epochs: True"),
        ({"epochs": 1, "learning_rate": 0}, "learning_rate: 0 is out of range. Write a number above 0"),
        ({"epochs": 1, "learning_rate": float("nan")}, "not a finite number"),
        ({"epochs": 1, "clip": -1}, "clip: -1"),
        ({"epochs": 1, "warmup": 1.0}, "warmup: 1.0"),
        ({"epochs": 1, "patience": 0}, "patience: 0"),
        ({"epochs": 1, "limit_s": 0}, "limit_s: 0 is out of range"),
        ({"epochs": 1, "seed": -1}, "seed: -1"),
        ({"epochs": 1, "schedule": "cosin"}, "Did you mean 'cosine'"),
    ],
)
def test_a_plan_that_is_none(wrong, said):
    with pytest.raises(InvalidArgument, match=said):
        Plan(**wrong)


def empty():
    return DataLoader(TensorDataset(torch.zeros(0, 64), torch.zeros(0, dtype=torch.long)))


def wide():
    return [(torch.zeros(8, 63), torch.zeros(8, dtype=torch.long))]


class Broken(torch.utils.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        raise OSError("no such picture")


def objective(value):
    return {"loss": None, "objective": lambda model, batch: value(model(batch[0]))}


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"plan": None}, InvalidArgument, "plan: say how long"),
        ({"loader": []}, InvalidArgument, "loader: it is empty"),
        ({"loader": empty()}, InvalidArgument, "loader: it is empty"),
        ({"loader": iter([1])}, InvalidArgument, "cannot be gone through more than once"),
        ({"loader": torch.zeros(2, 64)}, InvalidArgument, "is one batch"),
        ({"loader": 3}, InvalidArgument, "an int cannot be gone through"),
        (
            {"loader": DataLoader(Broken())},
            InvalidArgument,
            "it raised OSError after 0 batches .*no such picture",
        ),
        ({"loader": wide()}, ModelError, r"the model refuses a batch \(float32\[8, 63\]\).*cannot be multiplied"),
        ({"loader": [torch.zeros(8, 64)]}, InvalidArgument, "no label beside the inputs"),
        ({"loss": None}, InvalidArgument, "none is given, and the model returns none"),
        ({"loss": 3}, InvalidArgument, "an int cannot be called"),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, InvalidArgument, r"float32\[64\], not one number"),
        ({"loss": nn.MSELoss()}, InvalidArgument, r"refuses the model's output \(float32\[64, 10\]\) with the labels"),
        ({"loss": lambda out, label: out.sum().item()}, InvalidArgument, "returned a float"),
        ({"loss": lambda out, label: out.detach().sum()}, InvalidArgument, "does not depend on any parameter"),
        ({"loss": lambda out, label: out.sum() * float("nan")}, ModelError, "nan on the first batch, before any step"),
        (objective(lambda out: 1 / 0), ModelError, r"step 1 failed .*float32\[64, 64\].*ZeroDivisionError"),
        ({"objective": CROSS}, InvalidArgument, "takes the place of loss"),
        ({"evaluate": 3}, InvalidArgument, "evaluate: an int cannot be called"),
        ({"evaluate": lambda model: "good"}, EvaluateError, "returned a str"),
        ({"evaluate": lambda model: None}, EvaluateError, "returned nothing"),
        ({"evaluate": lambda model: float("nan")}, EvaluateError, "nan"),
        ({"evaluate": lambda model: {"a": 1, "b": 2}}, InvalidArgument, "returns a, b. Name the one"),
        ({"evaluate": lambda model: {"a": 1, "b": 2}, "metric": "c"}, InvalidArgument, "returned no 'c'"),
        ({"metric": "a"}, InvalidArgument, "nothing without evaluate"),
        ({"optimizer": lambda parameters: 3}, InvalidArgument, "optimizer: it made an int"),
        ({"optimizer": lambda parameters: 1 / 0}, ModelError, "optimizer: .*ZeroDivisionError"),
        ({"optimizer": torch.optim.LBFGS}, ModelError, "LBFGS failed at step 1; it is called without a closure"),
        ({"checkpoint": "/nowhere/at/all"}, InvalidArgument, "no file that can be written"),
    ],
)
def test_a_mistake_is_one_clear_line_and_the_model_stays(more, error, said):
    model = net()
    before = copy.deepcopy(model)
    arguments = {"loader": loader(), "loss": CROSS, "plan": ONE, "in_place": True} | more
    with pytest.raises(error, match=said) as raised:
        fit(model, **arguments)
    assert same(model, before)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(module.training for module in model.modules())
    assert str(raised.value).count("\n") <= 1


def test_a_model_with_nothing_to_train():
    with pytest.raises(ModelError, match="nothing to train"):
        fit(net().requires_grad_(False), loader(), CROSS, ONE)
    with pytest.raises(InvalidArgument, match=r"is not a torch\.nn\.Module"):
        fit("net", loader(), CROSS, ONE)


def test_epochs_of_a_loader_that_does_not_say_its_length():
    class Endless(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(wide())

    with pytest.raises(InvalidArgument, match=r"epochs: the loader does not say .* Write steps="):
        fit(net(), DataLoader(Endless(), batch_size=None), CROSS, ONE)


def test_a_loader_that_gives_nothing_a_second_time():
    class Once(torch.utils.data.IterableDataset):
        left = 1

        def __iter__(self):
            count, self.left = self.left, 0
            return iter([(torch.zeros(8, 64), torch.zeros(8, dtype=torch.long))] * count)

    with pytest.raises(InvalidArgument, match="gives no batch in epoch 2"):
        fit(net(), DataLoader(Once(), batch_size=None), CROSS, Plan(steps=3))


def test_a_bad_batch_later_leaves_the_best_state():
    good = (torch.randn(8, 64), torch.zeros(8, dtype=torch.long))
    model = net()
    with pytest.raises(ModelError, match="refuses a batch"):
        fit(model, [good, good, *wide()], CROSS, Plan(steps=9, evaluate_every=1), in_place=True)
    two = fit(net(), [good, good], CROSS, Plan(steps=2, evaluate_every=1, schedule="constant", warmup=0))
    assert two.report.steps == 2
    assert not same(model, net())
    assert all(module.training for module in model.modules())


def test_a_model_that_cannot_be_copied_says_what_to_do():
    model = net()
    model.lock = (each for each in ())
    with pytest.raises(ModelError, match=r"cannot be copied.*in_place=True"):
        fit(model, loader(), CROSS, ONE)
    assert fit(model, loader(), CROSS, ONE, in_place=True).report.steps == 10
