"""No result slower than the original: autotune over thirty models of many kinds, each within a short budget.

    python -m benchmarks.never_worse                  # about 25 minutes on two cores
    python -m benchmarks.never_worse --budget 60s --only gru,unet

Every model has random weights and is judged by its outputs. Told is what was kept, its speedup once more in a
comparison after the search, and why each technique that failed did. A result is worse where the whole interval of that
comparison is below 1.
"""

from __future__ import annotations

import argparse
import collections
import os
import statistics
import tempfile
import time

import tauto
from benchmarks.zoo import ZOO, Kind
from tauto import measurement
from tauto.hardware import Hardware
from tauto.workload import Workload

__all__ = ["main"]


def row(name: str, kind: Kind, budget: str) -> tuple[str, float | None, bool, collections.Counter[str]]:
    """Return a line of the table, the speedup, whether it is worse, and the reasons of what failed."""
    model, inputs, data = kind.built(), kind.inputs(), [kind.inputs(seed) for seed in range(64)]
    start = time.perf_counter()
    result = tauto.autotune(model, inputs=inputs, data=data, budget=budget, name=name)
    took_s = time.perf_counter() - start
    failed = collections.Counter(
        f"{trial.recipe.title}: {trial.reason}" for trial in result.report.trials if trial.status == "failed"
    )
    tried = sum(trial.status != "skipped" for trial in result.report.trials)
    if result.report.winner is None:
        return f"| {name} | {result.verdict} | the original | | {tried} | {took_s:.0f} s |", None, False, failed
    workload = Workload.of(model, inputs=inputs, data=data)
    found = measurement.compare(model, result.model, workload, hardware=Hardware.current())
    low, high = found.speedup_interval.low, found.speedup_interval.high
    title = result.report.trials[result.report.winner].recipe.title
    speed = f"{found.speedup:.2f} × ({low:.2f}–{high:.2f})"
    return (
        f"| {name} | {result.verdict} | {title} | {speed} | {tried} | {took_s:.0f} s |",
        found.speedup,
        high < 1,
        failed,
    )


def main() -> None:
    """Print the table, and after it each reason for which a technique failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(ZOO), help="models, by comma")
    parser.add_argument("--budget", default="45s")
    options = parser.parse_args()
    os.environ["TAUTO_STORE"] = tempfile.mkdtemp()  # no memory of earlier runs
    names = options.only.split(",")
    print("| model | verdict | kept | speedup afterwards (95 %) | tried | took |\n|---|---|---|---|---|---|")
    speedups, worse, reasons = list[float](), list[str](), dict[str, collections.Counter[str]]()
    for name in names:
        line, speedup, is_worse, failed = row(name, ZOO[name], options.budget)
        print(line, flush=True)
        speedups += [speedup] if speedup else []
        worse += [name] if is_worse else []
        reasons[name] = failed
    gain = statistics.geometric_mean(speedups) if speedups else 1.0
    print(f"\n{len(names)} models: {len(speedups)} improved, geometric mean of these {gain:.2f} ×")
    print(f"Worse than the original: {', '.join(worse) or 'none'}\n\nWhat failed, and why:\n")
    for name, failed in reasons.items():
        for reason in failed:
            print(f"- {name}: {reason}")


if __name__ == "__main__":
    main()
