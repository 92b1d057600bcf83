"""``tauto worker``."""

from __future__ import annotations

import signal
from typing import Annotated, Any

import typer

from tauto.cli.answer import NOTHING, answering, show
from tauto.cli.loader import load
from tauto.cli.options import Storage, Workers
from tauto.cli.tune import Objective, Trials

__all__ = ["worker"]


def worker(
    objective: Objective,
    study: Annotated[str, typer.Option(metavar="NAME", help="The study, which another process began.")],
    storage: Storage = None,
    trials: Trials = None,
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Time that this worker may take; else to the study's end.")
    ] = None,
    workers: Workers = 1,
    wait: Annotated[
        str, typer.Option(metavar="TIME", help="How long to wait for a study that is not there yet.")
    ] = "30s",
) -> None:
    """Make trials of a study that another process began, until it is at its end.

    The code is OBJECTIVE, from this machine's own disk: nothing that stands in the storage is run.
    """
    signal.signal(signal.SIGTERM, _stop)
    with answering(show):
        value, _, _ = load(objective, "objective")
        from tauto.verbs.worker import work

        result = work(
            value,
            study=study,
            storage=storage,
            trials=trials,
            budget=budget,
            workers=workers,
            wait=wait,
            origin=objective,
        )
        show(result)
    if result.broken:
        raise SystemExit(NOTHING)  # a scheduler starts it again


def _stop(*_: Any) -> None:
    """Go as after Ctrl-C: schedulers send SIGTERM some seconds before they kill, and the trial is put back."""
    raise KeyboardInterrupt
