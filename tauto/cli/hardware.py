"""``tauto hardware``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tauto.cli.answer import answering, check_files, show
from tauto.cli.options import ReportFile

if TYPE_CHECKING:
    from tauto.hardware import Hardware
    from tauto.reports import MachineReport

__all__ = ["hardware"]

Quick = Annotated[bool, typer.Option("--quick", help="Do not measure the ceilings (some seconds the first time).")]


def hardware(quick: Quick = False, report: ReportFile = None) -> None:
    """Say what this machine has, and its measured ceilings."""
    with answering():
        check_files(report=report)
        from tauto.hardware import Hardware
        from tauto.results import MachineResult

        show(MachineResult(_report(Hardware.current(), measured=not quick)), report)


def _report(machine: Hardware, *, measured: bool) -> MachineReport:
    from tauto.reports import Ceiling, MachineReport

    ceilings: list[Ceiling] = []
    if measured:
        found = machine.ceilings()
        ceilings += [Ceiling(f"matrix product, {name}", rate, "GFLOP/s") for name, rate in found.gflops.items()]
        ceilings.append(Ceiling("copy within the cache", found.copy_cache_gbps, "GB/s"))
        ceilings.append(Ceiling("copy in memory", found.copy_memory_gbps, "GB/s"))
    return MachineReport(
        machine.name,
        machine.device,
        machine.fingerprint,
        machine.cores,
        machine.memory_bytes,
        tuple(sorted(machine.instruction_sets)),
        tuple(ceilings),
    )
