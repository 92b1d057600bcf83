"""``tauto decode``."""

from __future__ import annotations

from typing import Annotated

import typer

from tauto.cli.answer import answering, check_files, show, write_script
from tauto.cli.loader import load
from tauto.cli.options import Budget, Inputs, Model, ReportFile, ScriptFile, keywords

__all__ = ["decode"]


def decode(
    model: Model,
    inputs: Inputs = None,
    lengths: Annotated[
        str | None, typer.Option(metavar="N,N,…", help="Numbers of new tokens; default 25,50,100,200.")
    ] = None,
    ways: Annotated[
        str | None, typer.Option(metavar="WAY,WAY,…", help="What is tried, such as none,static-compiled; default all.")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="X", help="Speedup by a cache that is asked after.")] = None,
    min_agreement: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Share of equal next tokens; default all greedy tokens.")
    ] = None,
    budget: Budget = "5min",
    report: ReportFile = None,
    script: ScriptFile = None,
) -> None:
    """Say how fast a model makes text, with and without a key-value cache, and find the fastest way."""
    with answering(lambda partial: show(partial, report)):
        check_files(table=True, report=report, script=script)
        value, name, source = load(model, "model")
        given = keywords(source, inputs=inputs)
        import tauto

        result = tauto.decode(
            value,
            **given,
            lengths=lengths,
            ways=ways,
            target=target,
            min_agreement=min_agreement,
            budget=budget,
            name=name,
        )
        show(result, report)
        write_script(result, script)
