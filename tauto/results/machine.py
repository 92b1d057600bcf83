"""This machine, to be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tauto.hardware.listing import listed
from tauto.reports import MachineReport
from tauto.results.result import Result

if TYPE_CHECKING:
    from tauto.hardware import Ceilings, Hardware

__all__ = ["MachineResult"]


class MachineResult(Result[MachineReport]):
    """What this machine has, and its measured ceilings."""

    noun: ClassVar[str] = "machine"

    @classmethod
    def of(cls, hardware: Hardware, ceilings: Ceilings | None = None) -> MachineResult:
        """Return the result that shows ``hardware``; without ``ceilings`` it says that none were measured."""
        return cls(
            MachineReport(
                name=hardware.name,
                device=hardware.device,
                fingerprint=hardware.fingerprint,
                cores=hardware.cores,
                memory_bytes=hardware.memory_bytes,
                instruction_sets=tuple(sorted(hardware.instruction_sets)),
                ceilings=listed(ceilings) if ceilings else (),
            )
        )
