"""``tauto prune``."""

from __future__ import annotations

from typing import Annotated, Any

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
from tauto.errors import InvalidArgument

__all__ = ["prune"]

Text = str | None


def prune(
    model: Model,
    inputs: Inputs = None,
    data: Data = None,
    evaluate: Evaluate = None,
    max_drop: MaxDrop = None,
    metric: Metric = None,
    lower_is_better: LowerIsBetter = False,
    sparsity: Annotated[Text, typer.Option(metavar="SHARE", help="What goes: 50% or 0.5; default half.")] = None,
    speedup: Annotated[Text, typer.Option(metavar="FACTOR", help="A measured target in its place: 2x.")] = None,
    latency: Annotated[Text, typer.Option(metavar="TIME", help="A measured target in its place: 3ms.")] = None,
    size: Annotated[Text, typer.Option(metavar="SIZE", help="A target in its place: 5MB.")] = None,
    structure: Annotated[
        str, typer.Option(metavar="WHAT", help="channels, heads, heads+channels, blocks, weights or 2:4.")
    ] = "channels",
    importance: Annotated[Text, typer.Option(metavar="HOW", help="l2 (default), l1, taylor or bn_scale.")] = None,
    spread: Annotated[
        Text, typer.Option(metavar="HOW", help="Over the layers: uniform, global or sensitivity.")
    ] = None,
    ratios: Annotated[Text, typer.Option(metavar="LIST", help="The share of some layers: conv1=0.2,fc=0.7.")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Cut and train so often; default once.")] = None,
    schedule: Annotated[Text, typer.Option(metavar="HOW", help="one-shot, linear, cubic or rewind.")] = None,
    epochs: Annotated[
        int | None, typer.Option(metavar="N", help="Of training after each step; default 3; 0 trains none.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="Of the built-in loop.")] = 1e-3,
    loss: Annotated[Text, typer.Option(metavar="NAME", help="loss(outputs, labels), for the built-in loop.")] = None,
    finetune: Annotated[
        Text, typer.Option(metavar="NAME", help="Your own finetune(model) or finetune(model, epoch) in its place.")
    ] = None,
    patience: Patience = None,
    checkpoint: Checkpoint = None,
    budget: Budget = "10min",
    factory: Factory = None,
    report: ReportFile = None,
    script: ScriptFile = None,
    recipe: RecipeFile = None,
) -> None:
    """Leave out what matters least of a model, train it again, and measure what that is worth."""
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
            "prune",
            max_drop=max_drop,
            metric=metric,
            higher_is_better=not lower_is_better,
            sparsity=sparsity,
            speedup=speedup,
            latency=latency,
            size=size,
            structure=structure,
            importance=importance,
            spread=spread,
            ratios=_ratios(ratios),
            steps=steps,
            schedule=schedule,
            epochs=epochs,
            learning_rate=learning_rate,
            patience=patience,
            checkpoint=checkpoint,
            budget=budget,
        )


def _ratios(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    pairs = [part.rpartition("=") for part in words(text)]
    try:
        return {layer.strip(): float(number) for layer, _, number in pairs}
    except ValueError:
        raise InvalidArgument(f"ratios: {text!r} is no list of layers and shares, as conv1=0.2,fc=0.7.") from None
