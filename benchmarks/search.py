"""A whole search: ResNet-18 on this machine, with techniques among the candidates that crash, hang and eat memory.

python -m benchmarks.search            # ResNet-18, then the run with deadly candidates; about 7 minutes
"""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

import torch

import tauto
from benchmarks.models import MODELS
from tauto.reports import TuningReport

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


def resnet() -> TuningReport:
    """Autotune ResNet-18 within five minutes."""
    subject = MODELS["resnet18"]
    return tauto.autotune(
        subject.built(), inputs=subject.inputs(), data=subject.data(), budget="5min", name=subject.name
    ).report


def deadly() -> tuple[TuningReport, bool]:
    """Autotune with deadly candidates; return the report, and whether this process is still the same."""
    from techniques_by_hand import Eats, Exits, Hangs, Segfaults, Shortcut, Slower, Wasteful, registered

    pid = os.getpid()
    with registered(Hangs, Segfaults, Eats, Exits, Slower, Shortcut):
        result = tauto.autotune(Wasteful(), inputs=torch.randn(64, 64), budget="1min", name="wasteful")
    return result.report, pid == os.getpid()


def _show(report: TuningReport) -> None:
    print(f"{report.model}: {report.verdict}: {report.reason}; {report.wall_s:.0f} s of {report.budget_s:.0f} s")
    for trial in report.trials:
        seconds = f"{trial.wall_s:.1f} s" if trial.wall_s else ""
        print(f"  {trial.status:9} {trial.recipe.title:50} {seconds:8} {trial.reason[:110]}")
    overheads = [trial.overhead_s for trial in report.trials if trial.overhead_s is not None]
    if overheads:
        print(f"  overhead of a trial: median {statistics.median(overheads):.3f} s, most {max(overheads):.3f} s")


def main() -> None:
    """Print both searches."""
    report, same = deadly()
    _show(report)
    print(f"  kernel pid unchanged: {same}\n")
    _show(resnet())


if __name__ == "__main__":
    main()
