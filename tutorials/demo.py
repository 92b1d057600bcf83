"""``make demo``: run the quickstart notebook and a ResNet-18, and show what came of them.

Writes ``demo-output/report.html`` and the executed notebook.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

import tauto
from benchmarks.models import MODELS
from tauto import rendering
from tauto.events import Progress, listening
from tauto.reports import Report, TuningReport, report_from_dict

HERE = Path(__file__).parent
OUTPUT = HERE.parent / "demo-output"
NOTEBOOK = HERE / "01_quickstart.ipynb"
MIME = "application/vnd.tauto.report+json"


def run_notebook() -> list[Report]:
    """Execute the quickstart, saying which step is at work, and return the reports in it."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(OUTPUT)}})
    steps = sum(cell.cell_type == "code" for cell in notebook.cells)
    client.on_cell_execute = _announce(steps)
    try:
        client.execute()
    finally:
        nbformat.write(notebook, OUTPUT / NOTEBOOK.name)
    bundles = (output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ()))
    return [report_from_dict(bundle[MIME]) for bundle in bundles if MIME in bundle]


def _announce(steps: int) -> Any:
    done = 0

    def show(cell: Any, cell_index: int) -> None:
        nonlocal done
        if cell.cell_type == "code":
            done += 1
            first = cell.source.strip().splitlines()[0]
            print(f"  step {done} of {steps}: {first[:90]}", flush=True)

    return show


def autotune_resnet() -> TuningReport:
    """Autotune a ResNet-18 with random weights: no quality to keep, so the result is about speed only."""
    subject = MODELS["resnet18"]
    with listening(_Line()):
        result = tauto.autotune(subject.built(), inputs=subject.inputs(), budget="2min", name=subject.name)
    return result.report


class _Line:
    """Shows progress on one line of a terminal; in a log, one line for each message."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, progress: Progress) -> None:
        left = f", {progress.seconds_left:.0f} s left" if progress.seconds_left is not None else ""
        if sys.stderr.isatty():
            print(f"\r\033[K  {progress.message}{left}"[:110], end="", file=sys.stderr, flush=True)
        elif progress.message != self._last:
            print(f"  {progress.message}{left}", file=sys.stderr, flush=True)
        self._last = progress.message


def main() -> None:
    """Run everything and print before and after."""
    start = time.monotonic()
    OUTPUT.mkdir(exist_ok=True)
    print("1. A convolutional net on handwritten digits: profile, quantize, autotune (about 3 minutes)")
    reports = run_notebook()
    print("\n2. ResNet-18 at 224 × 224, random weights, speed only (at most 2 minutes)")
    reports.append(autotune_resnet())
    print()
    for report in reports:
        if isinstance(report, TuningReport):
            print(rendering.render(report, "text"), "\n")
    (OUTPUT / "report.html").write_text(rendering.page(*reports), encoding="utf-8")
    print(f"Done in {time.monotonic() - start:.0f} s.")
    print(f"Report             {OUTPUT.name}/report.html")
    print(f"Executed notebook  {OUTPUT.name}/{NOTEBOOK.name}")
    print("Try it yourself    make lab")


if __name__ == "__main__":
    main()
