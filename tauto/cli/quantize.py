"""``tauto quantize``."""

from __future__ import annotations

from typing import Annotated

import typer

from tauto.cli.change import changing
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

__all__ = ["quantize"]

Text = str | None
Method = Annotated[
    str,
    typer.Option(
        metavar="METHOD",
        help="auto (the best that keeps the quality), dynamic, static, weight-only, qat, or a technique.",
    ),
]
Objective = Annotated[str, typer.Option(metavar="WHAT", help="What to make smaller: latency or size.")]


def quantize(
    model: Model,
    inputs: Inputs = None,
    data: Data = None,
    evaluate: Evaluate = None,
    max_drop: MaxDrop = None,
    metric: Metric = None,
    lower_is_better: LowerIsBetter = False,
    method: Method = "auto",
    bits: Annotated[
        int | None, typer.Option(metavar="N", help="Of the weights: 8 (default), or 4 for weights alone.")
    ] = None,
    group: Annotated[
        int | None, typer.Option(metavar="N", help="Weights that share a scale, with weight-only: 32, 64 or 128.")
    ] = None,
    engine: Annotated[str, typer.Option(metavar="ENGINE", help="auto, torch, onnxruntime or openvino.")] = "auto",
    objective: Objective = "latency",
    loss: Annotated[Text, typer.Option(metavar="NAME", help="For qat: loss(outputs, labels), over the data.")] = None,
    finetune: Annotated[
        Text, typer.Option(metavar="NAME", help="For qat: your own finetune(model) or finetune(model, epoch).")
    ] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="For qat: how long; default 3.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="RATE", help="For qat: the highest; default 0.0001.")
    ] = None,
    patience: Patience = None,
    checkpoint: Checkpoint = None,
    budget: Budget = "3min",
    factory: Factory = None,
    report: ReportFile = None,
    script: ScriptFile = None,
    recipe: RecipeFile = None,
) -> None:
    """Make a model int8 or int4, when it is measured to be faster or smaller."""
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
            "quantize",
            max_drop=max_drop,
            metric=metric,
            higher_is_better=not lower_is_better,
            method=method,
            bits=bits,
            group=group,
            engine=engine,
            epochs=epochs,
            learning_rate=learning_rate,
            objective=objective,
            patience=patience,
            checkpoint=checkpoint,
            budget=budget,
        )
