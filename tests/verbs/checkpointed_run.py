"""A call that trains in trials of its own, for test_checkpoints.py: each step of a training writes a line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

import tauto

INPUTS = torch.rand(320, 64, generator=torch.Generator().manual_seed(0))
LABELS = (INPUTS @ torch.rand(64, 4, generator=torch.Generator().manual_seed(1))).argmax(1)
STEPS = 10
"""Of one training: two epochs of five batches."""


class Loss(nn.CrossEntropyLoss):
    """Counts the steps, in the file that the environment names."""

    def forward(self, outputs, labels):
        with Path(os.environ["STEPS_TAKEN"]).open("a") as file:
            file.write("x")
        return super().forward(outputs, labels)


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 4))


def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(INPUTS[at : at + 64], LABELS[at : at + 64]) for at in range(0, 320, 64)]


def pruned(checkpoint: Path | None, budget: str = "5min") -> Any:
    """Train three times, with more of the weights at zero each time."""
    given = {"data": batches(), "loss": Loss(), "epochs": 2, "steps": 3, "schedule": "linear"}
    return tauto.prune(net(), INPUTS[:1], structure="weights", checkpoint=checkpoint, budget=budget, **given)


if __name__ == "__main__":
    pruned(Path(sys.argv[1]))
