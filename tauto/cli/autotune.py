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
    Storage,
)
from tauto.config import Constraints

__all__ = ["autotune"]

Limit = str | None
Only = Annotated[str, typer.Option(metavar="A,B", help="Try only these techniques.")]
Without = Annotated[str, typer.Option(metavar="A,B", help="Do not try these techniques.")]


def autotune(
    model: Model,
    inputs: Inputs = None,
    data: Data = None,
    evaluate: Evaluate = None,
    max_drop: MaxDrop = None,
    metric: Metric = None,
    lower_is_better: LowerIsBetter = False,
    objective: Annotated[
        str, typer.Option(metavar="WHAT", help="What is to become better: latency, throughput, memory or size.")
    ] = "latency",
    max_latency: Annotated[str | None, typer.Option(metavar="TIME", help="The median of a call at most: 3ms.")] = None,
    max_p95: Annotated[
        str | None, typer.Option("--max-p95", metavar="TIME", help="Its 95th percentile at most: 5ms.")
    ] = None,
    min_throughput: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Samples a second at least: 200.")
    ] = None,
    max_memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Memory in use at most: 200MB.")] = None,
    max_size: Annotated[str | None, typer.Option(metavar="SIZE", help="Bytes to ship at most: 5MB.")] = None,
    max_preparation: Annotated[
        str | None, typer.Option(metavar="TIME", help="Time to make the model at most: 1min.")
    ] = None,
    budget: Budget = "5min",
    stop_at: Annotated[
        str | None, typer.Option(metavar="FIGURE", help="What is good enough: 2x, 3ms, 5MB or 200/s.")
    ] = None,
    only: Only = "",
    without: Without = "",
    loss: Annotated[
        str | None, typer.Option(metavar="NAME", help="loss(outputs, labels), for techniques that train.")
    ] = None,
    finetune: Annotated[
        str | None, typer.Option(metavar="NAME", help="Your own finetune(model), for techniques that train.")
    ] = None,
    target: Annotated[
        str, typer.Option(metavar="NAME", help="The machine that it is for: edge-cpu, mobile, …, or a YAML file.")
    ] = "this-machine",
    study: Annotated[str | None, typer.Option(metavar="NAME", help="The study that keeps the trials.")] = None,
    storage: Storage = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the last search of the same, be it at its end.")
    ] = False,
    workers: Annotated[
        int, typer.Option(metavar="N", help="Candidates prepared and judged side by side; each is timed alone.")
    ] = 1,
    factory: Factory = None,
    report: ReportFile = None,
    script: ScriptFile = None,
    recipe: RecipeFile = None,
) -> None:
    """Find the best recipe for a model on this machine or for another, by measuring."""
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
        limits = Constraints.parse(
            max_latency=max_latency,
            max_p95=max_p95,
            min_throughput=min_throughput,
            max_memory=max_memory,
            max_size=max_size,
            max_preparation=max_preparation,
        )
        call(
            "autotune",
            objective=objective,
            constraints=limits,
            stop_at=stop_at,
            max_drop=max_drop,
            metric=metric,
            higher_is_better=not lower_is_better,
            budget=budget,
            only=words(only),
            without=words(without),
            target=target,
            study=study,
            storage=storage,
            resume=resume or None,
            workers=workers,
        )
