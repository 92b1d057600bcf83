"""What TAuto's ways to make a model smaller cost and bring on trained nets, beside the libraries used directly.

    python -m benchmarks.compression                          # one table a net
    python -m benchmarks.compression --only mlp --rows int8,'NNCF quantize'
    python -m benchmarks.compression --only text --cache nets # trained weights are kept in ./nets

Each way runs in a process of its own, one at a time, and is then timed against the original in interleaved blocks by
the same code (95 % interval). Accuracy is of data that neither trained nor judged. One seed: a point of difference
on 397 digits is four of them, and says nothing about which of two ways is better.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

import tauto
from benchmarks.compression_peers import MAX_DROP, PEERS
from benchmarks.trained import NETS, Net, cross_entropy
from tauto import measurement
from tauto.config import parse_duration
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.results import TuningResult
from tauto.workload import Workload

__all__ = ["main"]

PRUNED_TWICE = "pruned to 2 ×"
SHARE = 0.5
"""What Torch-Pruning takes out where TAuto was not asked before."""
TIMING_S = 6.0
SPARE_S = 300
"""Of a way, beside its search: reading, importing and timing."""


def int8(net: Net, model: nn.Module, budget: str) -> TuningResult:
    """Int8 of the kind and engine that measure best, at most half a point lost where it is judged."""
    return tauto.quantize(
        model, net.example, data=net.loader(), evaluate=net.judged, max_drop=MAX_DROP, budget=budget, name=net.title
    )


def pruned_twice(net: Net, model: nn.Module, budget: str) -> TuningResult:
    """As few channels, and heads where there are some, as a measured 2 × takes."""
    return _pruned(net, model, budget, 0.01, speedup="2x", structure=net.structure)


def zeros(net: Net, model: nn.Module, budget: str) -> TuningResult:
    """Nine of ten weights at zero."""
    return _pruned(net, model, budget, 0.05, structure="weights", sparsity="90%", steps=3)


def _pruned(net: Net, model: nn.Module, budget: str, max_drop: float, **wish: str | int) -> TuningResult:
    return tauto.prune(
        model,
        net.example,
        data=net.loader(),
        evaluate=net.judged,
        max_drop=max_drop,
        loss=cross_entropy,
        epochs=net.epochs,
        budget=budget,
        name=net.title,
        **wish,  # type: ignore[arg-type]
    )


def together(net: Net, model: nn.Module, budget: str) -> TuningResult:
    """Channels pruned, what is left of low rank, and that in int8, as one recipe."""
    trained = {"epochs": net.epochs, "learning_rate": 1e-3}
    recipe = Recipe.of(
        ("prune", {"structure": net.structure, "sparsity": net.share, **trained}),
        ("factorize", {"energy": net.energy, **trained}),
        ("openvino", {"precision": "int8"}),
    )
    return tauto.apply(
        recipe,
        model,
        net.example,
        data=net.loader(),
        evaluate=net.judged,
        max_drop=0.01,
        loss=cross_entropy,
        budget=budget,
        name=net.title,
    )


WAYS: dict[str, Callable[[Net, nn.Module, str], TuningResult]] = {
    "int8": int8,
    PRUNED_TWICE: pruned_twice,
    "90 % zeros": zeros,
    "all together": together,
}
ROWS = (*WAYS, *PEERS)


@dataclass(frozen=True)
class Row:
    """What was measured of one way; ``lost`` in points."""

    right: float
    lost: float
    speedup: float
    low: float
    high: float
    size: int
    smaller: float
    minutes: float
    original_ms: float
    what: str = ""
    share: float = SHARE


def measured(key: str, way: str, share: float, folder: Path, budget: str) -> Row | str:
    """Make one variant in this process and measure it; words where nothing came of it."""
    net = NETS[key]
    model = net.trained(folder)
    warnings.simplefilter("ignore")  # peers warn of what they do
    torch.manual_seed(0)
    start, what = time.perf_counter(), ""
    if way in WAYS:
        result = WAYS[way](net, model, budget)
        if result.recipe is None:
            return f"{result.verdict}: {result.reason}"
        variant, what = result.model, result.recipe.title
        share = getattr(result.recipe.steps[0].config, "sparsity", SHARE)
        what += _account(result)
    else:
        variant = PEERS[way](net, net.trained(folder), share)
        with torch.no_grad():
            variant(net.example)
    minutes = (time.perf_counter() - start) / 60
    workload = Workload.of(model, inputs=net.example, evaluate=net.unseen, name=net.title)
    found = measurement.compare(model, variant, workload, hardware=Hardware.current(), time_cap_s=TIMING_S)
    return Row(
        right=found.quality[0].optimized,
        lost=100 * (found.quality[0].original - found.quality[0].optimized),
        speedup=found.speedup,
        low=found.speedup_interval.low,
        high=found.speedup_interval.high,
        size=found.optimized.size_bytes,
        smaller=1 / found.size_ratio,
        minutes=minutes,
        original_ms=found.original.latency.p50_ms,
        what=what,
        share=share,
    )


def _account(result: TuningResult) -> str:
    """Return what zlib makes of zeros, which the size does not show."""
    notes = [note for trial in result.trials if trial.number == result.winner for note in trial.notes]
    return "".join(f"; {note}" for note in notes if "zlib" in note)


def row(key: str, way: str, share: float, folder: Path, budget: str) -> Row | str:
    """Measure one way in a process of its own; words where nothing came of it."""
    cell = ["--cell", key, way, str(share), "--cache", str(folder), "--budget", budget]
    command, limit_s = [sys.executable, "-m", "benchmarks.compression", *cell], parse_duration(budget) + SPARE_S
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return f"did not end within {limit_s / 60:.0f} minutes"
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return "failed: " + (done.stderr.strip().splitlines() or ["no output"])[-1][:160]
    answer = json.loads(lines[-1])
    return answer if isinstance(answer, str) else Row(**answer)


def shown(way: str, found: Row | str) -> str:
    """Return a line of the table."""
    name = f"**TAuto: {way}**" if way in WAYS else way
    if isinstance(found, str):
        return f"| {name} | | | | | | | {found} |"
    speed = f"{found.speedup:.2f} × ({found.low:.2f}–{found.high:.2f})"
    size = f"{found.size / 1e3:,.0f} kB | {found.smaller:.1f} ×"
    return f"| {name} | {found.right:.2%} | {found.lost:+.2f} | {speed} | {size} | {found.minutes:.1f} | {found.what} |"


PROMISES: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "int8": (
        "at most 0.5 points lost, at least 3.5 × smaller",
        lambda found: found.lost <= 0.5 + 1e-6 and found.smaller >= 3.5,
    ),
    PRUNED_TWICE: (
        "a measured 2 × (as far as its interval tells), at most 1 point lost",
        lambda found: found.high >= 2 and found.lost <= 1 + 1e-6,
    ),
    "90 % zeros": ("under 5 points lost", lambda found: found.lost < 5),
    "all together": (
        "at least 10 × smaller, at most 1 point lost",
        lambda found: found.smaller >= 10 and found.lost <= 1 + 1e-6,
    ),
}


def table(key: str, ways: list[str], folder: Path, budget: str) -> None:
    """Print the table of one net, row by row as it is measured, and which promises held."""
    net = NETS[key]
    start = time.perf_counter()
    model = net.trained(folder)
    held = net.unseen(model)
    print(f"### {net.title}: {held:.2%} right unseen, {measurement.size_bytes(model) / 1e3:,.0f} kB")
    print(f"\nCalls of {net.batch} rows; trained or read in {time.perf_counter() - start:.0f} s.\n")
    print("| way | right, unseen | points lost | speedup (95 %) | size | smaller | minutes | what it is |")
    print("|---|---|---|---|---|---|---|---|")
    share, found = SHARE, {}
    for way in ways:
        found[way] = one = row(key, way, share, folder, budget)
        if way == PRUNED_TWICE and isinstance(one, Row):
            share = one.share
        print(shown(way, one), flush=True)
    print()
    for way, (promise, holds) in PROMISES.items():
        if way in found:
            one = found[way]
            print(f"- {way}: {promise}: {'held' if isinstance(one, Row) and holds(one) else 'NOT HELD'}")
    print(flush=True)


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(NETS), help="nets, by comma")
    parser.add_argument("--rows", default=",".join(ROWS), help="ways, by comma")
    parser.add_argument("--cache", help="folder for trained weights; default one that is deleted at the end")
    parser.add_argument("--budget", default="10min", help="of each search; on a quiet machine they end well before")
    parser.add_argument("--cell", nargs=3, metavar=("NET", "WAY", "SHARE"), help="one way, as JSON")
    options, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as store:
        os.environ["TAUTO_STORE"] = store
        folder = Path(options.cache or store)
        if options.cell:
            key, way, share = options.cell
            found = measured(key, way, float(share), folder, options.budget)
            print(json.dumps(found if isinstance(found, str) else asdict(found)))
            return
        print(f"{Hardware.current().summary}; torch {torch.__version__}; {torch.get_num_threads()} threads; seed 0\n")
        for key in options.only.split(","):
            table(key, options.rows.split(","), folder, options.budget)


if __name__ == "__main__":
    main()
