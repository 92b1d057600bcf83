"""A step's trainings are taken up from where the search keeps them: what had ended is not done again."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tauto.errors import InvalidArgument
from tauto.hardware import Hardware
from tauto.techniques import Context, technique
from tauto.workload import Workload

INPUTS = torch.rand(320, 64, generator=torch.Generator().manual_seed(0))
LABELS = (INPUTS @ torch.rand(64, 4, generator=torch.Generator().manual_seed(1))).argmax(1)
BATCHES = [(INPUTS[at : at + 64], LABELS[at : at + 64]) for at in range(0, 320, 64)]
LESSONS = {
    "prune": {"epochs": 2, "steps": 2, "schedule": "linear"},
    "prune_weights": {"epochs": 2, "steps": 2, "schedule": "cubic"},
    "factorize": {"epochs": 2, "energy": 0.5},
    "distill": {"epochs": 2, "student": "half-width"},
    "qat": {"epochs": 2},
}


class Counting(nn.CrossEntropyLoss):
    """Counts the steps that are trained."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def __deepcopy__(self, memo):
        return self

    def forward(self, outputs, labels):
        if torch.is_grad_enabled():
            self.steps.append(1)
        return super().forward(outputs, labels)


@pytest.mark.parametrize("name", LESSONS)
def test_it_is_not_trained_again(tmp_path, name):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 4))
    loss = Counting()
    workload = Workload.of(net, inputs=INPUTS[:1], data=BATCHES, loss=loss, trains=True)
    found = technique(name)
    config = found.config(**LESSONS[name])
    made, steps, spared = [], [], []
    for place, trainings in (("first", "kept"), ("again", "kept"), ("anew", None)):
        where = tmp_path / trainings if trainings else None
        context = Context(tmp_path / place / "step", Hardware.current("cpu"), trainings=where)
        made.append(found.apply(workload, config, context).state_dict())
        steps.append(len(loss.steps))
        spared.append(sum(context.spared_s))
    trainings = config.steps if name.startswith("prune") else 1
    assert steps == [10 * trainings, 10 * trainings, 20 * trainings]
    assert spared[0] == spared[2] == 0 < spared[1]
    assert all(torch.equal(made[0][key], made[1][key]) and torch.equal(made[0][key], made[2][key]) for key in made[2])
    assert len(list((tmp_path / "kept" / "step").glob("*.pt"))) == trainings


@pytest.mark.parametrize("name", LESSONS)
def test_it_ends_early_where_nothing_gets_better(tmp_path, name):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 4))
    workload = Workload.of(net, inputs=INPUTS[:1], data=BATCHES, loss=nn.CrossEntropyLoss(), trains=True)
    found = technique(name)
    # so high a rate that the loss rises and falls
    lesson = {key: value for key, value in LESSONS[name].items() if key not in {"steps", "schedule"}}
    config = found.config(**lesson | {"epochs": 40, "patience": 1, "learning_rate": 0.5})
    context = Context(tmp_path / "step", Hardware.current("cpu"))
    found.apply(workload, config, context)
    told = " ".join(found.account(config, context).notes)
    assert "was no better than before" in told, told
    assert "patience 1" in found.describe(config)
    with pytest.raises(InvalidArgument, match="patience: 0"):
        found.config(patience=0)
