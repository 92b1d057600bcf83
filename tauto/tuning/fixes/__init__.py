"""What each action of :mod:`tauto.profiling.fixes` does to a running cell, one small class each."""

from tauto.tuning.fixes.base import CellFix, Targets
from tauto.tuning.fixes.registry import FIXES, fix_of

__all__ = ["FIXES", "CellFix", "Targets", "fix_of"]
