"""``tauto factorize``."""

from __future__ import annotations

from typing import Annotated

import typer

from tauto.cli.change import changing, words
from tauto.cli.options import (
    Budget,
    Checkpoint,
    Data,
    Evaluate,
    Factory,
    Inputs,
    LowerIsBetter,
    MaxDrop,
    Metric,
    Model,
    Patience,
    RecipeFile,
    ReportFile,
    ScriptFile,
)

__all__ = ["factorize"]

Text = str | None


def factorize(
    model: Model,
    inputs: Inputs = None,
    data: Data = None,
    evaluate: Evaluate = None,
    max_drop: MaxDrop = None,
    metric: Metric = None,
    lower_is_better: LowerIsBetter = False,
    energy: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Of each layer to keep: 0.9; default tries several.")
    ] = None,
    speedup: Annotated[Text, typer.Option(metavar="FACTOR", help="A measured target in its place: 1.5x.")] = None,
    latency: Annotated[Text, typer.Option(metavar="TIME", help="A measured target in its place: 3ms.")] = None,
    size: Annotated[Text, typer.Option(metavar="SIZE", help="A target in its place: 5MB.")] = None,
    keep: Annotated[str, typer.Option(metavar="LAYERS", help="Layers to leave as they are: conv1,head.")] = "",
    epochs: Annotated[
        int | None, typer.Option(metavar="N", help="Of training afterwards; default 3; 0 trains none.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="Of the built-in loop.")] = 1e-3,
    loss: Annotated[Text, typer.Option(metavar="NAME", help="loss(outputs, labels), for the built-in loop.")] = None,
    finetune: Annotated[
        Text, typer.Option(metavar="NAME", help="Your own finetune(model) or finetune(model, epoch) in its place.")
    ] = None,
    objective: Annotated[str, typer.Option(metavar="WHAT", help="What to make smaller: latency or size.")] = "latency",
    patience: Patience = None,
    checkpoint: Checkpoint = None,
    budget: Budget = "10min",
    factory: Factory = None,
    report: ReportFile = None,
    script: ScriptFile = None,
    recipe: RecipeFile = None,
) -> None:
    """Write layers as two of low rank, when it is measured to be faster or smaller."""
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
            "factorize",
            max_drop=max_drop,
            metric=metric,
            higher_is_better=not lower_is_better,
            energy=energy,
            speedup=speedup,
            latency=latency,
            size=size,
            keep=words(keep),
            epochs=epochs,
            learning_rate=learning_rate,
            objective=objective,
            patience=patience,
            checkpoint=checkpoint,
            budget=budget,
        )
