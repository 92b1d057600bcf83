"""``tauto autotune``."""

from __future__ import annotations

from typing import Annotated

import typer

from tauto.cli.change import changing, words
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

__all__ = ["autotune"]

Only = Annotated[str, typer.Option(metavar="A,B", help="Try only these techniques.")]
Without = Annotated[str, typer.Option(metavar="A,B", help="Do not try these techniques.")]


def autotune(
    model: Model,
    inputs: Inputs = None,
    data: Data = None,
    evaluate: Evaluate = None,
    max_drop: MaxDrop = "1%",
    metric: Metric = None,
    lower_is_better: LowerIsBetter = False,
    budget: Budget = "5min",
    only: Only = "",
    without: Without = "",
    loss: Annotated[
        str | None, typer.Option(metavar="NAME", help="loss(outputs, labels), for techniques that train.")
    ] = None,
    finetune: Annotated[
        str | None, typer.Option(metavar="NAME", help="Your own finetune(model), for techniques that train.")
    ] = None,
    factory: Factory = None,
    report: ReportFile = None,
    script: ScriptFile = None,
    recipe: RecipeFile = None,
) -> None:
    """Find the best recipe for a model on this machine, by measuring."""
    with changing(
        model,
        inputs=inputs,
        data=data,
        evaluate=evaluate,
        factory=factory,
        loss=loss,
        finetune=finetune,
        report=report,
        script=script,
        recipe=recipe,
    ) as call:
        call(
            "autotune",
            max_drop=max_drop,
            metric=metric,
            higher_is_better=not lower_is_better,
            budget=budget,
            only=words(only),
            without=words(without),
        )
