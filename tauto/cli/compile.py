"""``tauto compile``."""

from __future__ import annotations

from typing import Annotated

import typer

from tauto.cli.change import changing
from tauto.cli.options import (
    Budget,
    Data,
    Evaluate,
    Factory,
    Inputs,
    LowerIsBetter,
    MaxDrop,
    Metric,
    Model,
    RecipeFile,
    ReportFile,
    ScriptFile,
)

__all__ = ["compile"]


def compile(  # noqa: A001 - the command's own name
    model: Model,
    inputs: Inputs = None,
    data: Data = None,
    evaluate: Evaluate = None,
    max_drop: MaxDrop = None,
    metric: Metric = None,
    lower_is_better: LowerIsBetter = False,
    mode: Annotated[
        str,
        typer.Option(
            metavar="MODE", help="auto (what measures fastest), default, freezing, reduce-overhead or max-autotune."
        ),
    ] = "auto",
    dynamic: Annotated[
        bool | None,
        typer.Option(
            "--dynamic/--static",
            help="One code for sizes that vary, or for the inputs' shapes alone; default chosen by trying.",
        ),
    ] = None,
    budget: Budget = "10min",
    factory: Factory = None,
    report: ReportFile = None,
    script: ScriptFile = None,
    recipe: RecipeFile = None,
) -> None:
    """Compile a model the way that is measured to be fastest, and tell what that costs and meets."""
    with changing(
        model,
        inputs=inputs,
        data=data,
        evaluate=evaluate,
        factory=factory,
        loss=None,
        finetune=None,
        report=report,
        script=script,
        recipe=recipe,
    ) as call:
        call(
            "compile",
            max_drop=max_drop,
            metric=metric,
            higher_is_better=not lower_is_better,
            mode=mode,
            dynamic=dynamic,
            budget=budget,
        )
