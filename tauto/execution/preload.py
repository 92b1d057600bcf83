"""Libraries that a workload needs, imported by the fork server once instead of by every trial."""

from __future__ import annotations

import importlib
import sys
import sysconfig
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["import_libraries", "libraries_since"]


def libraries_since(before: Collection[str]) -> list[str]:
    """Return the modules of installed libraries imported since ``sys.modules`` held ``before``, in order.

    Only installed ones: a user's own file may do anything when it is imported. Torch's own are left out: some start
    processes, and trials that need them say so in their preparation.
    """
    homes = tuple(str(Path(sysconfig.get_path(name))) for name in ("purelib", "platlib"))
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name not in before and file and file.startswith(homes) and name.split(".")[0] != "torch":
            found.append(name)
    return found


def import_libraries(names: Sequence[str]) -> None:
    """Import ``names`` where that is safe before a fork: not beside CUDA, which some libraries touch."""
    import torch

    if torch.version.cuda is not None:
        return
    for name in names:
        # what fails here fails, with its reason, in the trial that needs it
        with suppress(Exception):
            importlib.import_module(name)
