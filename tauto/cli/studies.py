"""``tauto studies list|show|resume|delete|export``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from tauto.cli.answer import answering, check_files, show
from tauto.cli.options import Executor, ReportFile, Storage, Workers
from tauto.cli.tune import Budget, Seeds, TrialLimit, Trials, search
from tauto.errors import InvalidArgument

__all__ = ["studies"]

Name = Annotated[str, typer.Argument(metavar="NAME", help="The study.")]

studies = typer.Typer(name="studies", help="Studies that are there: list, show, resume, delete, export.")


@studies.command("list")
def list_(storage: Storage = None, report: ReportFile = None) -> None:
    """List the studies, latest first."""
    with answering():
        check_files(report=report)
        import tauto

        show(tauto.studies(storage=storage), report)


@studies.command("show")
def show_one(name: Name, storage: Storage = None, report: ReportFile = None) -> None:
    """Show a study as it stands."""
    with answering():
        check_files(table=True, report=report)
        import tauto

        show(tauto.studies(name, storage=storage), report)


@studies.command()
def resume(
    name: Name,
    objective: Annotated[
        str | None, typer.Argument(metavar="[OBJECTIVE]", help="file.py:function; default as it was begun, from here.")
    ] = None,
    budget: Budget = None,
    trials: Trials = None,
    storage: Storage = None,
    seeds: Seeds = 1,
    trial_limit: TrialLimit = None,
    executor: Executor = "local",
    workers: Workers = 1,
    report: ReportFile = None,
) -> None:
    """Go on with a study; its code comes from here, never from the storage."""
    with answering():
        from tauto.tuning.hyperparameters.kept import goal_of
        from tauto.tuning.study import StorageUrl

        where = StorageUrl.parse(storage)
        origin, goal = goal_of(where, name)
        code = objective or _own(origin, name)
    search(
        code,
        report,
        budget=budget,
        trials=trials,
        direction=dict(goal.objectives),
        constraints=[str(one) for one in goal.constraints],
        study=name,
        storage=storage,
        resume=True,
        seeds=seeds,
        trial_limit=trial_limit,
        executor=executor,
        workers=workers,
    )


def _own(origin: str, name: str) -> str:
    """Return where the code is, if that is a file below this folder: the storage may say anything."""
    file, _, function = origin.rpartition(":")
    here = Path.cwd().resolve()
    if file.endswith(".py") and function and (here / file).resolve().is_relative_to(here) and Path(file).is_file():
        return origin
    told = f"It was begun from {origin}, which is not below this folder" if origin else "It was begun in a notebook"
    raise InvalidArgument(
        f"objective: {told}. Name the code: tauto studies resume {shlex.quote(name)} file.py:function"
    )


@studies.command()
def delete(name: Name, storage: Storage = None) -> None:
    """Delete a study with all its trials."""
    with answering():
        from tauto.verbs.studies import delete as delete_study

        count = delete_study(name, storage)
        print(f"Deleted {name} with {count:,} {'trial' if count == 1 else 'trials'}.")


@studies.command()
def export(
    name: Name,
    path: Annotated[Path, typer.Argument(metavar="FILE", help=".csv for the trials; .json, .html, .md or .txt.")],
    storage: Storage = None,
) -> None:
    """Write a study to a file."""
    with answering():
        from tauto.verbs.studies import export as export_study

        print(f"Wrote {export_study(name, path, storage)}.")
