"""The peak of the memory timeline against the growth of the process's own peak private memory.

python -m benchmarks.memory_peak
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn

from tauto.measurement.memory import private_bytes
from tauto.profiling import ProfileSession

ROUNDS = 3
STEPS = 3
_POLL_S = 0.001


def mlp() -> tuple[nn.Module, torch.Tensor]:
    """Twelve wide layers; some 1.1 GB of activations."""
    layers = [layer for _ in range(12) for layer in (nn.Linear(1024, 1024), nn.GELU())]
    return nn.Sequential(*layers, nn.Linear(1024, 10)), torch.randn(12_000, 1024)


def convolutional() -> tuple[nn.Module, torch.Tensor]:
    """Three convolutions over large images; some 800 MB of activations."""
    widths = (3, 24, 24, 24)
    layers: list[nn.Module] = []
    for one, other in pairwise(widths):
        layers += [nn.Conv2d(one, other, 3, padding=1), nn.BatchNorm2d(other), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 10)), torch.randn(
        24, 3, 192, 192
    )


def transformer() -> tuple[nn.Module, torch.Tensor]:
    """Four encoder layers of width 256; some 900 MB of activations."""
    layer = nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True, dropout=0.0)
    encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
    return nn.Sequential(encoder, nn.Flatten(), nn.Linear(256 * 256, 10)), torch.randn(64, 256, 256)


MODELS: dict[str, Callable[[], tuple[nn.Module, torch.Tensor]]] = {
    "MLP": mlp,
    "convolutional": convolutional,
    "transformer": transformer,
}


def train(model: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> None:
    """Run a plain training loop with Adam."""
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(STEPS):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _warm() -> None:
    # what torch's libraries allocate once is no memory of the model's
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 10))
    train(model, torch.randn(4, 3, 8, 8), torch.arange(4))


def process_growth(name: str) -> int:
    """Return by how many bytes the private memory of this process rose at most while it trained."""
    torch.manual_seed(0)
    _warm()
    model, inputs = MODELS[name]()
    labels = torch.zeros(len(inputs), dtype=torch.long)
    start = peak = private_bytes()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(_POLL_S):
            peak = max(peak, private_bytes())

    thread = threading.Thread(target=watch)
    thread.start()
    train(model, inputs, labels)
    done.set()
    thread.join()
    return peak - start


def traced_growth(name: str) -> int:
    """Return by how many bytes the peak of the timeline is above its start."""
    torch.manual_seed(0)
    _warm()
    model, inputs = MODELS[name]()
    labels = torch.zeros(len(inputs), dtype=torch.long)
    with ProfileSession({"model": model}) as session:
        train(model, inputs, labels)
    timeline = session.report.memory
    if timeline is None:
        raise RuntimeError("the profile has no memory timeline")
    return timeline.peak.total_bytes - timeline.start_bytes


def _in_child(what: str, name: str, *, own_pages: bool = True) -> int:
    """Measure in a fresh process, in which every large block is pages of its own, given back when it is freed.

    By its defaults glibc puts blocks up to 32 MB into a heap, and the holes in it count for the process.
    """
    run = [sys.executable, "-m", "benchmarks.memory_peak", what, name]
    environment = os.environ | ({"MALLOC_MMAP_THRESHOLD_": "65536"} if own_pages else {})
    done = subprocess.run(run, check=True, capture_output=True, text=True, env=environment)
    return int(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the ratio for each model, each growth in a fresh process."""
    for name in MODELS:
        pairs = [(_in_child("traced", name), _in_child("process", name)) for _ in range(ROUNDS)]
        ratios = [traced / process for traced, process in pairs]
        traced, process = pairs[-1]
        heap = _in_child("process", name, own_pages=False)
        print(
            f"{name}: timeline {traced / 1e6:,.0f} MB, process {process / 1e6:,.0f} MB "
            f"({heap / 1e6:,.0f} MB with the holes of glibc's heap); "
            f"ratio {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f} of {ROUNDS}",
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps({"traced": traced_growth, "process": process_growth}[sys.argv[1]](sys.argv[2])))
    else:
        main()
