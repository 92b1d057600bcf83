"""``tauto hardware``."""

from __future__ import annotations

from typing import Annotated

import typer

from tauto.cli.answer import answering, check_files, show
from tauto.cli.options import ReportFile

__all__ = ["hardware"]

Quick = Annotated[bool, typer.Option("--quick", help="Do not measure the ceilings (some seconds the first time).")]


def hardware(quick: Quick = False, report: ReportFile = None) -> None:
    """Say what this machine has, and its measured ceilings."""
    with answering():
        check_files(report=report)
        from tauto.hardware import Hardware
        from tauto.results import MachineResult

        machine = Hardware.current()
        show(MachineResult.of(machine, None if quick else machine.ceilings()), report)
