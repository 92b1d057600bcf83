"""What this machine has (instruction sets, devices) and its measured ceilings."""

from tauto.hardware.ceilings import PRECISIONS, RESOURCES, Ceilings
from tauto.hardware.hardware import INSTRUCTION_SETS, Hardware
from tauto.hardware.listing import listed
from tauto.hardware.shares import Share, checked_share

__all__ = ["INSTRUCTION_SETS", "PRECISIONS", "RESOURCES", "Ceilings", "Hardware", "Share", "checked_share", "listed"]
