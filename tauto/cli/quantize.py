"""``tauto quantize``."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal, cast

import typer

from tauto.cli.answer import answering, check_files, finish_tuned
from tauto.cli.loader import load
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
    keywords,
)

__all__ = ["quantize"]

Method = Annotated[str, typer.Option(metavar="METHOD", help="auto (the best that keeps the quality) or a technique.")]
Objective = Annotated[str, typer.Option(metavar="WHAT", help="What to make smaller: latency or size.")]


def quantize(
    model: Model,
    inputs: Inputs = None,
    data: Data = None,
    evaluate: Evaluate = None,
    max_drop: MaxDrop = "1%",
    metric: Metric = None,
    lower_is_better: LowerIsBetter = False,
    method: Method = "auto",
    objective: Objective = "latency",
    budget: Budget = "3min",
    factory: Factory = None,
    report: ReportFile = None,
    script: ScriptFile = None,
    recipe: RecipeFile = None,
) -> None:
    """Make a model int8, when it is measured to be faster or smaller."""
    finish = partial(finish_tuned, report=report, script=script, recipe=recipe)
    with answering(finish):
        check_files(report=report, script=script, recipe=recipe)
        value, name, source = load(model, "model")
        given = keywords(source, inputs=inputs, data=data, evaluate=evaluate, factory=factory)
        import tauto

        result = tauto.quantize(
            value,
            **given,
            max_drop=max_drop,
            metric=metric,
            higher_is_better=not lower_is_better,
            method=method,
            objective=cast(Literal["latency", "size"], objective),
            budget=budget,
            name=name,
        )
        finish(result)
