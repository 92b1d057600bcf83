"""``tauto sensitivity``."""

from __future__ import annotations

from typing import Annotated

import typer

from tauto.cli.answer import answering, check_files, show
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
    ReportFile,
    keywords,
)

__all__ = ["sensitivity"]


def sensitivity(
    model: Model,
    inputs: Inputs = None,
    data: Data = None,
    evaluate: Evaluate = None,
    max_drop: MaxDrop = None,
    metric: Metric = None,
    lower_is_better: LowerIsBetter = False,
    bits: Annotated[int, typer.Option(metavar="N", help="Of the weights: 8 or 4.")] = 8,
    activations: Annotated[
        str | None, typer.Option(metavar="HOW", help="How inputs of layers are rounded: static, dynamic or none.")
    ] = None,
    budget: Budget = "1min",
    factory: Factory = None,
    report: ReportFile = None,
) -> None:
    """Say which layers suffer when they are quantized, the worst first."""
    with answering(lambda partial: show(partial, report)):
        check_files(report=report)
        value, name, source = load(model, "model")
        given = keywords(source, inputs=inputs, data=data, evaluate=evaluate, factory=factory)
        import tauto

        result = tauto.sensitivity(
            value,
            **given,
            max_drop=max_drop,
            metric=metric,
            higher_is_better=not lower_is_better,
            bits=bits,  # type: ignore[arg-type]  # told there when it is another
            activations=activations,  # type: ignore[arg-type]
            budget=budget,
            name=name,
        )
        show(result, report)
