"""A taught student beside its teacher and beside itself taught by the labels alone, on scikit-learn's digits.

python -m benchmarks.distillation [--seeds 10] [--epochs 100] [--methods logits,features]

The teacher is trained to convergence on 1,000 digits; a student of at most a quarter of its size is trained on the
same digits, for the same epochs and from the same first weights: by the labels alone (``alone``), and as
``tauto.distill`` does in each way. Accuracy is of the 797 digits that nobody was trained on, looked at once, at the
end. Differences are paired by seed; the interval is the 95 % one of their mean (Student's t).
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
from collections.abc import Sequence

import torch
from scipy import stats
from torch import nn

import tauto
from benchmarks.trained import TRAINED_ON, digit_batches, digits
from tauto.errors import InvalidArgument
from tauto.fitting import Plan, fit, imitating
from tauto.workload import Call

METHODS = ("logits", "features", "attention", "relational")
CROSS = nn.CrossEntropyLoss()
IMAGES, LABELS = digits()


def accuracy(model: nn.Module) -> float:
    with torch.inference_mode():
        return (model(IMAGES[TRAINED_ON:]).argmax(1) == LABELS[TRAINED_ON:]).float().mean().item()


def mlp(width: int, hidden: int) -> nn.Module:
    layers = [layer for _ in range(hidden) for layer in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), *layers, nn.Linear(width, 10))


def cnn(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * width, 10),
    )


NETS = {"MLP": (lambda: mlp(256, 2), lambda: mlp(16, 1)), "CNN": (lambda: cnn(32), lambda: cnn(4))}
"""Teachers and students."""


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % confidence interval of the mean."""
    mean, count = statistics.mean(differences), len(differences)
    if count < 2:
        return -math.inf, math.inf
    half = stats.t.ppf(0.975, count - 1) * statistics.stdev(differences) / math.sqrt(count)
    return mean - half, mean + half


def _size(model: nn.Module) -> int:
    return sum(each.numel() for each in model.parameters())


def _accuracies(name: str, seeds: int, epochs: int, methods: Sequence[str]) -> None:
    make_teacher, make_student = NETS[name]
    torch.manual_seed(100)
    plan = Plan(epochs=30, learning_rate=3e-3, seed=100)
    teacher = fit(make_teacher(), digit_batches(100), CROSS, plan).model.eval()
    example = Call((IMAGES[:1],))
    found: dict[str, list[float]] = {"alone": []}
    for method in methods:
        try:
            imitating(make_student(), teacher, example, method)
            found[method] = []
        except InvalidArgument as refusal:  # an MLP has no maps to attend to
            print(f"  {name} {method}: {refusal}")
    for seed in range(seeds):
        plan = Plan(epochs=epochs, learning_rate=1e-2, seed=seed)
        for method in found:
            torch.manual_seed(seed)
            student = make_student()
            objective = None if method == "alone" else imitating(student, teacher, example, method, loss=CROSS)
            loss = CROSS if objective is None else None
            taught = fit(student, digit_batches(seed), loss, plan, objective=objective, teacher=teacher)
            found[method].append(accuracy(taught.model.eval()))
            print(f"  {name} seed {seed} {method}: {found[method][-1]:.2%}", flush=True)
    right = accuracy(teacher)
    part = _size(make_student()) / _size(teacher)
    print(f"\n{name}: teacher {right:.2%}, student {part:.1%} of its size, {seeds} seeds, {epochs} epochs")
    print("| way | accuracy, mean | worst seed | share of the teacher's | better than alone by (95 %) |")
    print("|---|---|---|---|---|")
    for method, values in found.items():
        low, high = interval([one - other for one, other in zip(values, found["alone"], strict=True)])
        gain = "" if method == "alone" else f"{100 * low:+.2f} to {100 * high:+.2f} points"
        mean = statistics.mean(values)
        print(f"| {method} | {mean:.2%} | {min(values):.2%} | {mean / right:.2%} | {gain} |")


def _verb(name: str, epochs: int) -> None:
    """Print what a user is shown of one of them."""
    make_teacher, make_student = NETS[name]
    torch.manual_seed(100)
    teacher = fit(make_teacher(), digit_batches(100), CROSS, Plan(epochs=30, learning_rate=3e-3, seed=100)).model.eval()
    result = tauto.distill(
        make_student(),
        teacher,
        IMAGES[:1],
        data=digit_batches(0),
        loss=CROSS,
        evaluate=accuracy,
        max_drop="2%",
        epochs=epochs,
        learning_rate=1e-2,
        names=(f"small {name}", name),
    )
    print(f"\n{result}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--nets", default=",".join(NETS))
    parser.add_argument("--verb", action="store_true", help="also what tauto.distill shows of each, with its latency")
    arguments, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TAUTO_STORE"] = folder
        for name in arguments.nets.split(","):
            _accuracies(name, arguments.seeds, arguments.epochs, arguments.methods.split(","))
            if arguments.verb:
                _verb(name, arguments.epochs)


if __name__ == "__main__":
    main()
