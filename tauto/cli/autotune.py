"""``tauto autotune``."""

from __future__ import annotations

from functools import partial
from typing import Annotated

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
    finish = partial(finish_tuned, report=report, script=script, recipe=recipe)
    with answering(finish):
        check_files(report=report, script=script, recipe=recipe)
        value, name, source = load(model, "model")
        named = {"inputs": inputs, "data": data, "evaluate": evaluate, "factory": factory}
        given = keywords(source, **named, loss=loss, finetune=finetune)
        import tauto

        result = tauto.autotune(
            value,
            **given,
            max_drop=max_drop,
            metric=metric,
            higher_is_better=not lower_is_better,
            budget=budget,
            only=_names(only),
            without=_names(without),
            name=name,
        )
        finish(result)


def _names(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
