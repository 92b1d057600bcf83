"""How well the profile's findings say what they will bring: expected against measured gain, each fix tried for real.

python -m benchmarks.findings [--budget 40s] [--only waiting]

Each case is a cell as a user would run it, planted with what a finding is about, or a benchmark model in a plain loop.
It is profiled once; every finding that has a fix is then tried as ``%tauto_fix`` does. The error of a prediction is
the larger of expected/measured and measured/expected, at least 1; the geometric mean is over findings that gave an
expected speedup and were measured. 1.25 means: a quarter off.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import tauto
from tauto.errors import TautoError
from tauto.reports import Finding, Tried

_COMMON = """
import time
import torch
from torch import nn
torch.manual_seed(0)

class Pictures(torch.utils.data.Dataset):
    def __init__(self, wait_s, size=32, count=4000):
        self.wait_s, self.size, self.count = wait_s, size, count
    def __len__(self):
        return self.count
    def __getitem__(self, index):
        time.sleep(self.wait_s)
        return torch.randn(3, self.size, self.size), index % 10

def cnn(width=16):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 10))

def batches(count, size, batch=16):
    return [(torch.randn(batch, 3, size, size), torch.arange(batch) % 10) for _ in range(count)]
"""
_TRAIN = """
for images, labels in loader:
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
"""
_CALLS = """
for _ in range({count}):
    model({inputs})
"""


@dataclass(frozen=True)
class Case:
    """A cell and what makes its names."""

    name: str
    setup: str
    cell: str


def _training(name: str, setup: str) -> Case:
    return Case(name, _COMMON + setup, _TRAIN)


def _inference(name: str, setup: str, inputs: str = "**inputs", count: int = 40) -> Case:
    return Case(name, _COMMON + setup, _CALLS.format(count=count, inputs=inputs))


CASES = (
    _training(
        "waiting for data",
        "model = cnn(4)\noptimizer = torch.optim.SGD(model.parameters(), 0.1)\n"
        "loader = torch.utils.data.DataLoader(Pictures(0.01, 16, 320), batch_size=8)",
    ),
    _training(
        "frozen backbone",
        "model = nn.Sequential(cnn(32)[:-1], nn.Linear(64, 10))\n"
        "optimizer = torch.optim.SGD(model[1].parameters(), 0.1)\nloader = batches(40, 48)",
    ),
    _training(
        "many parameters, slow optimizer",
        "model = nn.Sequential(nn.Flatten(), *[m for _ in range(12) for m in (nn.Linear(768, 768), nn.ReLU())],"
        " nn.Linear(768, 10))\noptimizer = torch.optim.AdamW(model.parameters(), foreach=False)\n"
        "loader = batches(40, 16, 4)",
    ),
    _training(
        "cnn in training",
        "model = cnn(32)\noptimizer = torch.optim.AdamW(model.parameters())\nloader = batches(40, 64)",
    ),
    _training(
        "ResNet-18 in training",
        "from benchmarks.models import resnet18\nmodel = resnet18()\n"
        "optimizer = torch.optim.AdamW(model.parameters())\nloader = batches(12, 64, 8)",
    ),
    _inference(
        "small net, gradients on",
        "model = nn.Sequential(*[m for _ in range(20) for m in (nn.Linear(32, 32), nn.ReLU())])\n"
        "x = torch.randn(4, 32)",
        "x",
        2000,
    ),
    _inference("cnn called for inference", "model = cnn(32).eval()\nx = torch.randn(16, 3, 64, 64)", "x", 60),
    _inference("MLP", "from benchmarks.models import mlp\nmodel = mlp().eval()\nx = torch.randn(1, 784)", "x", 3000),
    _inference(
        "ResNet-18",
        "from benchmarks.models import resnet18\nmodel = resnet18().eval()\nx = torch.randn(4, 3, 224, 224)",
        "x",
        20,
    ),
)


@dataclass(frozen=True)
class Row:
    """One finding, tried."""

    case: str
    finding: Finding
    tried: Tried | None
    problem: str = ""

    @property
    def error(self) -> float | None:
        """Return by which factor the expectation was off; None when there is nothing to compare."""
        expected = self.finding.expected.speedup if self.finding.expected else None
        if expected is None or self.tried is None:
            return None
        return max(expected / self.tried.speedup, self.tried.speedup / expected)


def tried(case: Case, budget: str) -> list[Row]:
    """Profile ``case`` and try every finding that has a fix."""
    names: dict[str, object] = {"__name__": "__main__"}
    exec(case.setup, names)
    with tauto.profile(names=names, source=case.cell) as session:
        exec(case.cell, names)
    result = session.result
    rows = []
    for finding in [one for one in result.findings if one.fix is not None]:
        problem = ""
        try:
            answer = result.apply(finding, budget=budget)
            problem = str(getattr(answer.report, "reason", ""))
        except TautoError as error:
            problem = str(error)
        now = next(one for one in result.findings if (one.rule, one.title) == (finding.rule, finding.title))
        rows.append(Row(case.name, finding, now.tried, "" if now.tried else problem))
        print(_line(rows[-1]), flush=True)
    if not rows:
        print(f"| {case.name} | nothing found that can be tried | | | | |", flush=True)
    return rows


def _line(row: Row) -> str:
    expected = row.finding.expected.speedup if row.finding.expected else None
    wanted = f"{expected:.2f}×" if expected is not None else "–"
    if row.tried is None:
        return f"| {row.case} | {row.finding.rule} | {wanted} | not tried: {row.problem} | | |"
    low, high = row.tried.speedup_interval.low, row.tried.speedup_interval.high
    off = f"{row.error:.2f}" if row.error is not None else "–"
    measured = f"{row.tried.speedup:.2f}× ({low:.2f}–{high:.2f})"
    return f"| {row.case} | {row.finding.rule} | {wanted} | {measured} | {row.tried.verdict} | {off} |"


def geometric_mean(values: list[float]) -> float:
    """Return the geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values))


def main() -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="40s", help="for each fix")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    arguments = parser.parse_args()
    os.environ.setdefault("TAUTO_STORE", str(Path(tempfile.mkdtemp()) / "store"))
    print("| Cell | Finding | Expected | Measured | Verdict | Off by |\n|---|---|---|---|---|---|")
    rows = [row for case in CASES if arguments.only in case.name for row in tried(case, arguments.budget)]
    errors = [row.error for row in rows if row.error is not None]
    better = sum(row.tried is not None and row.tried.verdict == "better" for row in rows)
    count = sum(row.tried is not None for row in rows)
    print(f"\n{count} of {len(rows)} fixes tried, {better} better; ", end="")
    print(
        f"geometric mean error of {len(errors)} predictions: {geometric_mean(errors):.2f}"
        if errors
        else "no prediction"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
