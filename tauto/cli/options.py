"""The options that commands share, spelled as in the magics, and the keywords of the engine they mean."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from tauto.cli.loader import Source, load

__all__ = [
    "Budget",
    "Checkpoint",
    "Data",
    "Evaluate",
    "Executor",
    "Factory",
    "Inputs",
    "LowerIsBetter",
    "MaxDrop",
    "Metric",
    "Model",
    "Patience",
    "RecipeFile",
    "ReportFile",
    "ScriptFile",
    "Storage",
    "Workers",
    "as_written",
    "keywords",
]

Model = Annotated[str, typer.Argument(metavar="MODEL", help="module:name or file.py:name")]
Inputs = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A tensor, tuple or dict to call it with; a bare name is beside the model."),
]
Data = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Batches to compare outputs over, to calibrate on, and to train on."),
]
Evaluate = Annotated[str | None, typer.Option(metavar="NAME", help="evaluate(model) -> float or dict of floats.")]
MaxDrop = Annotated[
    str | None, typer.Option(metavar="DROP", help="What may be lost of what --evaluate returns: 1% (default) or 0.01.")
]
Metric = Annotated[str | None, typer.Option(metavar="METRIC", help="Which figure of the dict counts; default all.")]
LowerIsBetter = Annotated[bool, typer.Option("--lower-is-better", help="The metric is better when lower.")]
Patience = Annotated[
    int | None, typer.Option(metavar="N", help="Stop a training after N epochs in turn that bring nothing.")
]
Checkpoint = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="The same command goes on from it where a training was cut off.")
]
Budget = Annotated[str, typer.Option(metavar="TIME", help="Time that it may take, such as 90s or 5min.")]
Factory = Annotated[
    str | None, typer.Option(metavar="NAME", help="Builds the model anew, where it cannot be sent to a trial.")
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write the report: .html, .json, .md, .txt; .csv of trials."),
]
Storage = Annotated[
    str | None, typer.Option(metavar="URL", help="A database's URL or an SQLite file; default TAUTO_STORAGE.")
]
Executor = Annotated[
    str, typer.Option(metavar="WHERE", help="Where trials run: local, ray, or ray:ADDRESS of a cluster.")
]
Workers = Annotated[int, typer.Option(metavar="N", help="Trials at once, each with its share of the cores.")]
ScriptFile = Annotated[
    Path | None, typer.Option("--script", metavar="FILE", help="Write the plain Python that does the same.")
]
RecipeFile = Annotated[Path | None, typer.Option("--recipe", metavar="FILE", help="Write the recipe as YAML.")]


def keywords(beside: Source, **given: str | None) -> dict[str, Any]:
    """Return what the given names name, each under its own keyword, without those that are not given."""
    return {key: load(text, key, beside)[0] for key, text in given.items() if text is not None}


def as_written(model: str, inputs: str | None) -> str:
    """Return how the model and its inputs are written at the terminal, for another command.

    Examples
    --------
    >>> as_written("train.py:net", "images")
    'train.py:net --inputs images'
    """
    return shlex.join([model, *(["--inputs", inputs] if inputs is not None else [])])
