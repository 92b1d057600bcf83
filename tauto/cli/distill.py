"""``tauto distill``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from tauto.cli.answer import answering, check_files, complain, finish_tuned, show
from tauto.cli.loader import load
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
    Patience,
    RecipeFile,
    ReportFile,
    ScriptFile,
    keywords,
)

__all__ = ["distill"]

SHAPES = ("half", "half-depth", "half-width", "quarter-width")
Student = Annotated[
    str,
    typer.Argument(metavar="STUDENT", help=f"module:name or file.py:name; or made of the teacher: {', '.join(SHAPES)}"),
]
Text = str | None


def distill(
    student: Student,
    teacher: Annotated[str, typer.Option(metavar="NAME", help="The model that it learns from: file.py:name.")],
    inputs: Inputs = None,
    data: Data = None,
    loss: Annotated[Text, typer.Option(metavar="NAME", help="loss(outputs, labels), mixed in.")] = None,
    evaluate: Evaluate = None,
    max_drop: MaxDrop = None,
    metric: Metric = None,
    lower_is_better: LowerIsBetter = False,
    method: Annotated[str, typer.Option(metavar="HOW", help="logits, features, attention or relational.")] = "logits",
    temperature: Annotated[
        float | None, typer.Option(metavar="T", help="Softens scores of classes; default 4.")
    ] = None,
    mixing: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Of the teacher beside --loss; default 0.9.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="How long; default 10.")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="How long, in place of epochs.")] = None,
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="The highest.")] = 1e-3,
    objective: Annotated[str, typer.Option(metavar="WHAT", help="What to make smaller: latency or size.")] = "latency",
    seed: Annotated[int, typer.Option(metavar="N", help="Of all that is drawn.")] = 0,
    patience: Patience = None,
    checkpoint: Checkpoint = None,
    budget: Budget = "10min",
    factory: Factory = None,
    report: ReportFile = None,
    script: ScriptFile = None,
    recipe: RecipeFile = None,
) -> None:
    """Teach a smaller student to answer as a model does, and measure what that is worth."""
    finish = partial(_finish, report=report, script=script, recipe=recipe)
    with answering(finish):
        check_files(report=report, script=script, recipe=recipe)
        model, name, source = load(teacher, "teacher")
        smaller: tuple[Any, str] = (student, student)
        if student not in SHAPES:
            smaller = load(student, "student", source)[:2]
        given = keywords(source, inputs=inputs, data=data, loss=loss, evaluate=evaluate, factory=factory)
        import tauto

        result = tauto.distill(
            smaller[0],
            model,
            **given,
            max_drop=max_drop,
            metric=metric,
            higher_is_better=not lower_is_better,
            method=cast(Any, method),
            temperature=temperature,
            mixing=mixing,
            epochs=epochs,
            steps=steps,
            learning_rate=learning_rate,
            objective=cast(Literal["latency", "size"], objective),
            seed=seed,
            patience=patience,
            checkpoint=checkpoint,
            budget=budget,
            names=(smaller[1], name),
        )
        finish(result)


def _finish(result: Any, report: Path | None = None, script: Path | None = None, recipe: Path | None = None) -> None:
    """Print the report, and write what was asked for; a student of one's own has no recipe and no script."""
    if hasattr(result, "recipe"):
        finish_tuned(result, report, script, recipe)
        return
    show(result, report)
    for option, file in (("script", script), ("recipe", recipe)):
        if file is not None:
            complain(f"--{option}: there is one only of a student that is made of its teacher; {file} was not written.")
