"""``tauto profile``."""

from __future__ import annotations

from typing import Annotated

import typer

from tauto.cli.answer import answering, check_files, show
from tauto.cli.loader import load
from tauto.cli.options import Inputs, Model, ReportFile, as_written, keywords

__all__ = ["profile"]

Sorted = Annotated[str, typer.Option("--sort", metavar="KEY", help="tree, total, self, flops, memory or calls.")]
Depth = Annotated[int | None, typer.Option(metavar="LEVELS", help="How many levels of modules are shown; default all.")]
Earlier = Annotated[
    str | None, typer.Option("--against", metavar="FILE", help="A profile saved as .json, or previous: the last one.")
]
Memory = Annotated[bool, typer.Option("--memory", help="Show memory over time whole: the peak, and who allocates.")]
Stacks = Annotated[bool, typer.Option("--stacks", help="Record Python stacks: every allocation has its line.")]

Sizes = Annotated[
    str | None, typer.Option("--scale", metavar="SIZES", help="How it grows: batch=1..64, seq=64..1024, x.2=32,48.")
]
ScaleBudget = Annotated[str, typer.Option("--budget", metavar="TIME", help="Time that --scale may take.")]


def profile(
    model: Model,
    inputs: Inputs = None,
    report: ReportFile = None,
    sort: Sorted = "tree",
    depth: Depth = None,
    against: Earlier = None,
    memory: Memory = False,
    stacks: Stacks = False,
    scale: Sizes = None,
    budget: ScaleBudget = "60s",
) -> None:
    """Say where time and memory go, with findings."""
    with answering():
        check_files(table=True, report=report)
        value, name, source = load(model, "model")
        given = keywords(source, inputs=inputs) | {"sort": sort, "depth": depth, "against": against}
        given |= {"memory": memory, "stacks": stacks}
        import tauto

        if scale is not None:
            show(tauto.profile(value, **keywords(source, inputs=inputs), scale=scale, budget=budget, name=name), report)
            return
        show(tauto.profile(value, **given, name=name), report, as_written(model, inputs))
