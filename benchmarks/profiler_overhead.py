"""What ``%%tauto_profile`` costs a cell, against no profiler and against torch.profiler over the same steps.

python -m benchmarks.profiler_overhead [--full] [--rounds 9] [--only cnn] [--cpu]

Each round runs the cell in all ways, in an order drawn by chance, in one process. The work is the same each time, so
on a machine that stalls the least times tell more than the median of the rounds' ratios. ``--cpu`` goes by the CPU
time of one thread, which a machine that stalls leaves alone, and adds what a way costs to the least on all threads:
what holds up the calling thread holds up the cell. ``--full`` measures ``stacks=True`` against torch.profiler with
shapes, memory and stacks. The analysis comes after the cell and is shown apart, and so is the sum of the modules' self
times against a clock inside the model's calls.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from benchmarks.models import resnet18
from tauto.hardware import Hardware
from tauto.profiling import ProfileSession
from tauto.profiling.sampling import SAMPLES

TRACED = SAMPLES + 1


def small_cnn() -> nn.Module:
    """Three convolutions and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def transformer() -> nn.Module:
    """Two encoder layers of 256, eight heads."""
    layer = nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()


@dataclass
class Cell:
    """A model and the loop around it."""

    name: str
    model: nn.Module
    inputs: torch.Tensor
    steps: int
    trains: bool
    calls_s: list[float] = field(default_factory=list)
    """Of the last run: each call of the model, by a clock in hooks: a clock around the call would have what it costs to
    open a window as the call's."""

    def __post_init__(self) -> None:
        began = 0.0

        def begins(*_: object) -> None:
            nonlocal began
            began = time.perf_counter()

        self.model.register_forward_pre_hook(begins)
        self.model.register_forward_hook(lambda *_: self.calls_s.append(time.perf_counter() - began))

    def run(self, before: Callable[[int], None] = lambda step: None) -> None:
        """Run the loop; ``before`` is told each step."""
        self.calls_s.clear()
        with torch.inference_mode(mode=not self.trains):
            for step in self._steps():
                before(step)
                output = self.model(self.inputs)
                if self.trains:
                    nn.functional.cross_entropy(output, self._labels).backward()

    def _steps(self) -> Iterable[int]:
        if not self.trains:
            yield from range(1, self.steps + 1)
            return
        self._labels = torch.zeros(len(self.inputs), dtype=torch.long)
        optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        for step in range(1, self.steps + 1):
            optimizer.zero_grad()
            yield step
            optimizer.step()


def cells() -> dict[str, Cell]:
    """Return the cells measured."""
    torch.manual_seed(0)
    return {
        "cnn": Cell("Training a small CNN", small_cnn(), torch.randn(32, 3, 32, 32), 150, True),
        "resnet18": Cell("Training ResNet-18, 64 × 64", resnet18(), torch.randn(16, 3, 64, 64), 40, True),
        "transformer": Cell("Inference, 2-layer transformer", transformer(), torch.randn(8, 128, 256), 200, False),
    }


def traced(cell: Cell, full: bool) -> None:
    """Run ``cell`` with torch.profiler over the steps that TAuto traces."""
    profiler = profile(
        activities=[ProfilerActivity.CPU], record_shapes=True, profile_memory=True, with_stack=full, acc_events=True
    )

    def before(step: int) -> None:
        if step == 1:
            profiler.start()
        elif step == TRACED + 1:
            profiler.stop()

    cell.run(before)


def seconds(run: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return what ``run`` takes."""
    start = clock()
    run()
    return clock() - start


def measure(cell: Cell, rounds: int, full: bool, clock: Callable[[], float] = time.perf_counter) -> None:
    """Print one cell's figures."""
    by_cpu = clock is time.process_time
    least_s = min(seconds(cell.run) for _ in range(3))
    if by_cpu:
        torch.set_num_threads(1)
    times: dict[str, list[float]] = {"plain": [], "tauto": [], "torch": []}
    analyses, sums, costs = [], [], []

    def profiled() -> None:
        nonlocal session
        with ProfileSession({"model": cell.model}, stacks=full) as session:
            cell.run()

    session = ProfileSession()
    ways = {"plain": cell.run, "tauto": profiled, "torch": lambda: traced(cell, full)}
    for _ in range(rounds):
        for way in random.sample(list(ways), len(ways)):
            times[way].append(seconds(ways[way], clock))
            if way == "tauto":
                report = session.report
                analyses.append(report.analysis_ms)
                costs.append(times[way][-1] * 1000 - report.wall_ms)
                assert report.steps is not None
                outside = sum(cell.calls_s[step - 1] for step in report.steps.sampled) * 1000
                sums.append(sum(row.self_ms for row in report.modules if row.root == 0) / outside)
    if by_cpu:
        extra = {way: statistics.median(times[way]) - statistics.median(times["plain"]) for way in times}
        print(f"{cell.name}, by CPU time of one thread, {rounds} rounds: {cell.steps} steps,", end=" ")
        print(f"at least {least_s:.2f} s of wall time on all")
        for way in ("tauto", "torch"):
            print(f"  {way} adds {1000 * extra[way]:.0f} ms: {1 + extra[way] / least_s:.3f} of the least")
        print(f"  tauto / torch {(least_s + extra['tauto']) / (least_s + extra['torch']):.3f}", flush=True)
        return
    step_ms = 1000 * statistics.median(times["plain"]) / cell.steps
    print(f"{cell.name}: {cell.steps} steps of {step_ms:.1f} ms, {rounds} rounds")
    for name, over in (("tauto", "plain"), ("torch", "plain"), ("tauto", "torch")):
        ratios = sorted(one / other for one, other in zip(times[name], times[over], strict=True))
        least = min(times[name]) / min(times[over])
        print(f"  {name} / {over}: median {statistics.median(ratios):.3f}, {ratios[0]:.3f} to {ratios[-1]:.3f}", end="")
        print(f"; least against least {least:.3f}")
    print(f"  own cost {statistics.median(costs):.0f} ms, steps traced {len(report.steps.sampled)}", end="")
    print(f"; analysis afterwards {statistics.median(analyses):.0f} ms")
    print(f"  self times / clock in the calls: median {statistics.median(sums):.3f}")
    sys.stdout.flush()


def main() -> None:
    """Print the ratios with their spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--only", choices=list(cells()))
    options = parser.parse_args()
    Hardware.current().ceilings()
    for name, cell in cells().items():
        if options.only in (None, name):
            measure(cell, options.rounds, options.full, time.process_time if options.cpu else time.perf_counter)


if __name__ == "__main__":
    main()
