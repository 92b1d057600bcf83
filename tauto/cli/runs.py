"""``tauto runs``."""

from __future__ import annotations

from typing import Annotated

import typer

from tauto.cli.answer import answering, check_files, show
from tauto.cli.options import ReportFile

__all__ = ["runs"]

Limit = Annotated[int, typer.Option(min=1, metavar="N", help="How many, newest first.")]


def runs(limit: Limit = 20, report: ReportFile = None) -> None:
    """List past runs, newest first."""
    with answering():
        check_files(report=report)
        import tauto

        show(tauto.runs(limit=limit), report)
