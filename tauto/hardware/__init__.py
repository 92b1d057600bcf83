"""What this machine has (instruction sets, devices) and its measured ceilings."""

from tauto.hardware.ceilings import PRECISIONS, RESOURCES, Ceilings
from tauto.hardware.hardware import INSTRUCTION_SETS, Hardware
from tauto.hardware.listing import listed
from tauto.hardware.shares import Share, checked_share
from tauto.hardware.target_machine import THIS_MACHINE, Held, TargetMachine, target, targets

__all__ = [
    "INSTRUCTION_SETS",
    "PRECISIONS",
    "RESOURCES",
    "THIS_MACHINE",
    "Ceilings",
    "Hardware",
    "Held",
    "Share",
    "TargetMachine",
    "checked_share",
    "listed",
    "target",
    "targets",
]
