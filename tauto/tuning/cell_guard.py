"""Keeps a cell that is only tried from changing the user's files."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from tauto.errors import CandidateFailed

__all__ = ["refuse_writes"]

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGED = {
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.truncate": (0,),
    "os.link": (1,),
    "os.symlink": (1,),
    "shutil.move": (0, 1),
    "shutil.rmtree": (0,),
}
"""Audit events, and which of their arguments are paths that are changed."""

_RELATIVE = {"os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "shutil.rmtree"}
"""Those that may name a folder by its descriptor: it was opened by ``shutil.rmtree``, which was asked about before."""


def refuse_writes(*allowed: Path) -> None:
    """From here on, raise CandidateFailed when this process would write to a file of the user's.

    Temporary files, caches (a part of the path begins with a dot) and what lies below ``allowed`` may be written. An
    audit hook cannot be taken off again: only for a process of a trial.
    """
    mine = tuple(os.path.realpath(path) for path in allowed)
    temporary, here = os.path.realpath(tempfile.gettempdir()), os.path.realpath(os.getcwd())  # noqa: PTH109

    def check(path: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):  # a descriptor: opened before
            return
        full = os.path.realpath(os.fsdecode(path))
        if full.startswith(("/dev/", "/proc/", *mine)) or "__pycache__" in full:
            return
        inside = full.removeprefix(here) if full.startswith(here + os.sep) else full
        if any(part.startswith(".") for part in Path(inside).parts):
            return
        if full.startswith(temporary) and (inside is full or temporary.startswith(here)):
            return
        raise CandidateFailed(
            f"it writes to {Path(full).name!r}, which a trial must not do: write files in a cell of its own"
        )

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if (mode and set(mode) & set("wax+")) or (mode is None and flags & _WRITES):
                check(path)
        elif event in _CHANGED and not (
            event in _RELATIVE and any(isinstance(fd, int) and fd >= 0 for fd in arguments)
        ):
            for index in _CHANGED[event]:
                check(arguments[index])

    sys.addaudithook(hook)
    _watch_torch_save(check)


def _watch_torch_save(check: Any) -> None:
    """``torch.save`` opens its file in C++, of which no audit event tells."""
    original = torch.serialization.save

    def save(obj: object, f: Any, *args: Any, **kwargs: Any) -> None:
        check(f)
        original(obj, f, *args, **kwargs)

    torch.save = torch.serialization.save = save
