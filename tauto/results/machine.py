"""This machine, to be shown."""

from __future__ import annotations

from typing import ClassVar

from tauto.reports import MachineReport
from tauto.results.result import Result

__all__ = ["MachineResult"]


class MachineResult(Result[MachineReport]):
    """What this machine has, and its measured ceilings."""

    noun: ClassVar[str] = "machine"
