"""Which class does which action."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tauto.errors import InvalidArgument
from tauto.profiling.fixes import ActionName
from tauto.tuning.fixes.base import CellFix, Targets
from tauto.tuning.fixes.loading import CacheDataset, Loader
from tauto.tuning.fixes.models import Checkpoint, Compile, Freeze, MemoryFormat
from tauto.tuning.fixes.modes import Autocast, Inference, KeepFreedMemory, Threads
from tauto.tuning.fixes.optimizers import OptimizerForm

__all__ = ["FIXES", "fix_of"]

FIXES: Mapping[ActionName, type[CellFix]] = MappingProxyType(
    {
        "loader": Loader,
        "cache_dataset": CacheDataset,
        "inference": Inference,
        "threads": Threads,
        "autocast": Autocast,
        "memory_format": MemoryFormat,
        "compile": Compile,
        "optimizer": OptimizerForm,
        "freeze": Freeze,
        "checkpoint": Checkpoint,
        "keep_freed_memory": KeepFreedMemory,
    }
)
"""Every action but ``recipe``, which is tried as :func:`tauto.apply` does it."""


def fix_of(action: str, targets: Targets, options: Mapping[str, Any]) -> CellFix:
    """Return the fix of ``action``.

    Raises
    ------
    InvalidArgument
        When a cell cannot be run with it.
    """
    for name, kind in FIXES.items():
        if name == action:
            return kind(targets, options)
    raise InvalidArgument(f"finding: {action!r} is no change to a running cell. There is: {', '.join(FIXES)}.")
