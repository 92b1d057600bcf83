"""How often a model is told apart from its own copy on a loaded machine: at most once in a hundred comparisons.

Run ``python benchmarks/self_comparison.py [--comparisons 100] [--model cnn|mlp] [--load 1] [--time-cap 10]``. The
load is processes that multiply matrices in bursts beside the measurement.
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import random
import time
from collections import Counter

import torch
from torch import nn

from tauto.measurement.comparison import time_models
from tauto.measurement.timing import verdict_of
from tauto.workload import call_from_inputs


def small_cnn() -> tuple[nn.Module, torch.Tensor]:
    layers = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)), torch.randn(1, 3, 32, 32)


def mlp() -> tuple[nn.Module, torch.Tensor]:
    layers = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    return nn.Sequential(*layers), torch.randn(1, 784)


def burst_load(seed: int) -> None:
    """Work and rest in turn, for 0.05 to 1 s each."""
    torch.set_num_threads(1)
    chance = random.Random(seed)
    matrix = torch.randn(256, 256)
    while True:
        end = time.perf_counter() + chance.uniform(0.05, 1.0)
        while time.perf_counter() < end:
            matrix @ matrix
        time.sleep(chance.uniform(0.05, 1.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=100)
    parser.add_argument("--model", choices=("cnn", "mlp"), default="cnn")
    parser.add_argument("--load", type=int, default=1, help="processes of background load")
    parser.add_argument("--time-cap", type=float, default=10.0, help="seconds a comparison")
    options = parser.parse_args()
    model, inputs = small_cnn() if options.model == "cnn" else mlp()
    context = multiprocessing.get_context("spawn")
    load = [context.Process(target=burst_load, args=(seed,), daemon=True) for seed in range(options.load)]
    for process in load:
        process.start()
    try:
        report(model, inputs, options.comparisons, options.time_cap)
    finally:
        for process in load:
            process.terminate()


def report(model: nn.Module, inputs: torch.Tensor, comparisons: int, time_cap_s: float) -> None:
    verdicts: Counter[str] = Counter()
    settled, begin = 0, time.perf_counter()
    for seed in range(comparisons):
        call = call_from_inputs(inputs)
        timing = time_models(model, copy.deepcopy(model), call, time_cap_s=time_cap_s, seed=seed)
        verdicts[timing.verdict] += 1
        settled += timing.settled
        if verdict_of(timing.interval) != "same":
            print(f"comparison {seed}: {timing.speedup:.3f} × in {timing.interval}, settled {timing.settled}")
    print(
        f"{comparisons} comparisons of a model with its own copy: {dict(verdicts)}, {settled} settled, "
        f"{(time.perf_counter() - begin) / comparisons:.1f} s each"
    )


if __name__ == "__main__":
    main()
