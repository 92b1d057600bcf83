"""What ``%%tauto_profile`` costs a training loop: with it and without it in turn, in one process.

python -m benchmarks.profiler_overhead
"""

from __future__ import annotations

import statistics
import time

import torch
from torch import nn

from tauto.hardware import Hardware
from tauto.profiling import ProfileSession

ROUNDS = 9
STEPS = 150


def small_cnn() -> nn.Module:
    """Three convolutions and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def train(model: nn.Module, steps: int) -> float:
    """Return the seconds of a plain training loop."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images, labels = torch.randn(32, 3, 32, 32), torch.randint(0, 10, (32,))
    start = time.perf_counter()
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    return time.perf_counter() - start


def main() -> None:
    """Print the ratio with its spread, and the time of the analysis apart."""
    Hardware.current().ceilings()
    model = small_cnn()
    train(model, STEPS)
    ratios, analyses = [], []
    for round_ in range(ROUNDS):
        plain = [] if round_ % 2 else [train(model, STEPS)]
        start = time.perf_counter()
        with ProfileSession({"model": model}) as session:
            train(model, STEPS)
        profiled = time.perf_counter() - start
        plain = plain or [train(model, STEPS)]
        ratios.append(profiled / plain[0])
        analyses.append(session.report.analysis_ms)
    print(f"Training a small CNN, {STEPS} steps of {1000 * plain[0] / STEPS:.1f} ms, {ROUNDS} rounds in turn:")
    print(f"  profiled / plain: median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}")
    print(f"  analysis afterwards: median {statistics.median(analyses):.0f} ms")


if __name__ == "__main__":
    main()
