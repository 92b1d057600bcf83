"""A net trained on scikit-learn's digits, pruned in several ways: what is lost, and what it is worth here.

python -m benchmarks.pruning [--budget 5min] [--only half,twice]

The net is trained to convergence on 1,000 digits and fine-tuned on the same. ``tauto.prune`` judges over half of the
797 digits that nobody was trained on; the accuracy shown is of the other half. Speeds are measured interleaved, with
their 95 % interval, by the trial; of a way that was not kept, what its last trial came to.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from typing import Any

import torch
from torch import nn

import tauto
from benchmarks.trained import digit_batches, digit_split, digits, share_right
from tauto.fitting import Plan, fit

CROSS = nn.CrossEntropyLoss()
CALL = 64
"""Rows of a timed call."""
WAYS: dict[str, dict[str, Any]] = {
    "half": {"sparsity": "50%", "epochs": 5},
    "twice": {"speedup": "2x", "epochs": 5},
    "small": {"size": "150kB", "epochs": 5},
    "tickets": {"sparsity": "50%", "steps": 3, "schedule": "rewind", "epochs": 5},
    "zeros": {"structure": "weights", "sparsity": "90%", "steps": 3, "epochs": 5},
    "2:4": {"structure": "2:4", "epochs": 5},
}


def net() -> nn.Module:
    def stage(before: int, after: int) -> list[nn.Module]:
        return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]

    features = [*stage(1, 32), *stage(32, 64), nn.MaxPool2d(2), *stage(64, 64), nn.Flatten()]
    return nn.Sequential(*features, nn.Linear(64 * 16, 128), nn.ReLU(), nn.Linear(128, 10))


def judged(model: nn.Module) -> float:
    return share_right(model, digit_split().judge, CALL)


def unseen(model: nn.Module) -> float:
    return share_right(model, digit_split().unseen, CALL)


def line(way: str, model: nn.Module, budget: str) -> str:
    result = tauto.prune(
        model,
        inputs=digits()[0][:CALL],
        data=digit_batches(),
        evaluate=judged,
        max_drop=0.01,
        loss=CROSS,
        budget=budget,
        name="digits",
        **WAYS[way],
    )
    if result.model is not model:
        lost = 100 * (unseen(model) - unseen(result.model))
        return f"{way:8} {result.verdict:14} {lost:+5.2f} points lost on unseen digits · {result.reason}"
    measured = [trial.comparison for trial in result.trials if trial.comparison is not None]
    lost = 100 * max((row.drop for row in measured[-1].quality), default=0.0) if measured else float("nan")
    return f"{way:8} {result.verdict:14} {lost:+5.2f} points lost where it is judged · {result.reason}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--budget", default="5min")
    parser.add_argument("--only", default=",".join(WAYS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as store:
        os.environ["TAUTO_STORE"] = store
        torch.manual_seed(0)
        model = fit(net(), digit_batches(), CROSS, Plan(epochs=20, learning_rate=2e-3), in_place=True).model.eval()
        print(f"digits: {judged(model):.1%} right where it is judged, {unseen(model):.1%} unseen")
        for way in options.only.split(","):
            print(line(way, model, options.budget), flush=True)


if __name__ == "__main__":
    main()
