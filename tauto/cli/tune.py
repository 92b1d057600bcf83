"""``tauto tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tauto.cli.answer import NOTHING, answering, check_files, show
from tauto.cli.loader import load
from tauto.cli.options import Executor, ReportFile, Storage, Workers

__all__ = ["search", "tune"]

Objective = Annotated[str, typer.Argument(metavar="OBJECTIVE", help="file.py:function or module:function")]
Budget = Annotated[
    str | None, typer.Option(metavar="TIME", help="Time that the study may take in all; 5min without --trials.")
]
Trials = Annotated[int | None, typer.Option(metavar="N", help="Trials that the study may have in all.")]
Study = Annotated[str | None, typer.Option(metavar="NAME", help="The study; default made of the objective's code.")]
Seeds = Annotated[int, typer.Option(metavar="N", help="Run each trial under so many seeds; the mean counts.")]
TrialLimit = Annotated[str | None, typer.Option(metavar="TIME", help="Time that one run may take.")]


def tune(
    objective: Objective,
    budget: Budget = None,
    trials: Trials = None,
    direction: Annotated[
        str, typer.Option(metavar="WAY", help="maximize, minimize, or accuracy=maximize,latency_ms=minimize.")
    ] = "maximize",
    constraint: Annotated[
        list[str] | None, typer.Option(metavar="LIMIT", help="Of a figure, such as 'size_mb <= 5'; may be repeated.")
    ] = None,
    study: Study = None,
    storage: Storage = None,
    resume: Annotated[bool, typer.Option("--resume", help="The study must be there already.")] = False,
    seeds: Seeds = 1,
    sampler: Annotated[str, typer.Option(metavar="HOW", help="tpe or random.")] = "tpe",
    pruner: Annotated[
        str | None, typer.Option(metavar="HOW", help="Early stopping: median, hyperband, wilcoxon or none.")
    ] = None,
    trial_limit: TrialLimit = None,
    warm_start: Annotated[
        str | None, typer.Option(metavar="NAME", help="A new study tries the best of this study first.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the sampler and the runs.")] = 0,
    executor: Executor = "local",
    workers: Workers = 1,
    report: ReportFile = None,
) -> None:
    """Search for the values of the knobs in OBJECTIVE that make its figure best."""
    search(
        objective,
        report,
        budget=budget,
        trials=trials,
        direction=direction,
        constraints=constraint or (),
        study=study,
        storage=storage,
        resume=True if resume else None,
        seeds=seeds,
        sampler=sampler,
        pruner=pruner,
        trial_limit=trial_limit,
        warm_start=warm_start,
        seed=seed,
        executor=executor,
        workers=workers,
    )


def search(objective: str, report: Path | None, **keywords: Any) -> None:
    """Load the objective, tune it and show the report."""
    with answering(lambda partial: show(partial, report)):
        check_files(table=True, report=report)
        value, _, _ = load(objective, "objective")
        import tauto

        result = tauto.tune(value, **keywords, origin=objective)
        show(result, report)
    # what a line goes on with (``tauto tune … && …``) needs a trial, and a scheduler starts again what broke
    if result.broken or all(one.state == "failed" for one in result.trials):
        raise SystemExit(NOTHING)
