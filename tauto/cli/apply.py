"""``tauto apply``."""

from __future__ import annotations

from pathlib import Path
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
    ReportFile,
    ScriptFile,
)

__all__ = ["apply"]

Recipe = Annotated[Path, typer.Argument(metavar="RECIPE", help="A YAML or JSON file, or a preset: preset:cpu-int8.")]


def apply(
    recipe: Recipe,
    model: Model,
    inputs: Inputs = None,
    data: Data = None,
    evaluate: Evaluate = None,
    max_drop: MaxDrop = None,
    metric: Metric = None,
    lower_is_better: LowerIsBetter = False,
    budget: Budget = "10min",
    factory: Factory = None,
    loss: Annotated[
        str | None, typer.Option(metavar="NAME", help="loss(outputs, labels), for one that trains.")
    ] = None,
    finetune: Annotated[str | None, typer.Option(metavar="NAME", help="Your own finetune(model), for one.")] = None,
    report: ReportFile = None,
    script: ScriptFile = None,
) -> None:
    """Apply a recipe to a model, and measure what it gains here."""
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
    ) as call:
        call(
            "apply",
            recipe,
            max_drop=max_drop,
            metric=metric,
            higher_is_better=not lower_is_better,
            budget=budget,
        )
