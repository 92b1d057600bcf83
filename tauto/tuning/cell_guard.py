"""Keeps a cell that is only tried from changing the user's files: what it writes goes elsewhere."""

from __future__ import annotations

import builtins
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from tauto.errors import CandidateFailed

__all__ = ["Scratch"]

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


class Scratch:
    """Stands between a cell and the user's files, in a process that ends with the trial.

    Files that the cell opens for writing, or gives to ``torch.save``, are written in ``folder`` instead, and read from
    there again. What would change the user's files otherwise is refused (CandidateFailed). Temporary files, caches (a
    part of the path begins with a dot) and what lies in ``allowed`` may be written.

    Attributes
    ----------
    moved : dict
        From the user's path to the file that is written instead.
    """

    def __init__(self, folder: Path, *allowed: Path) -> None:
        self._folder = folder
        self._allowed = tuple(os.path.realpath(path) for path in (folder, *allowed))
        self._temporary = os.path.realpath(tempfile.gettempdir())
        self._here = os.path.realpath(os.getcwd())  # noqa: PTH109
        self.moved: dict[str, str] = {}

    def install(self) -> None:
        """Watch from here on; there is no way back, an audit hook stays."""
        self._folder.mkdir(parents=True, exist_ok=True)
        opened, saved, loaded = io.open, torch.serialization.save, torch.serialization.load

        def open_(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            return opened(self.place(file, bool(set(mode) & set("wax+")), keep="w" not in mode), mode, *args, **kwargs)

        def save(obj: object, f: Any, *args: Any, **kwargs: Any) -> None:
            saved(obj, self.place(f, True, keep=False), *args, **kwargs)  # opens its file in C++, unseen by audits

        def load(f: Any, *args: Any, **kwargs: Any) -> Any:
            return loaded(self.place(f, False), *args, **kwargs)

        builtins.open = io.open = open_
        torch.save = torch.serialization.save = save
        torch.load = torch.serialization.load = load
        sys.addaudithook(self._hear)

    def place(self, path: Any, writes: bool, keep: bool = True) -> Any:
        """Return what to open for ``path``: another file when the cell writes, or has written, to the user's."""
        if not isinstance(path, str | bytes | os.PathLike):  # a descriptor or a stream: opened before
            return path
        full = os.path.realpath(os.fsdecode(path))
        if full not in self.moved and writes and self._protected(full):
            place = self._folder / f"{len(self.moved)}-{Path(full).name}"
            if keep and Path(full).is_file():
                shutil.copyfile(full, place)
            self.moved[full] = str(place)
        return self.moved.get(full, path)

    def _protected(self, full: str) -> bool:
        if full.startswith(("/dev/", "/proc/", *self._allowed)) or "__pycache__" in full:
            return False
        below = full.startswith(self._here + os.sep)
        inside = full.removeprefix(self._here) if below else full
        if any(part.startswith(".") for part in Path(inside).parts):
            return False
        return not full.startswith(self._temporary) or (below and not self._temporary.startswith(self._here))

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if (mode and set(mode) & set("wax+")) or (mode is None and flags & _WRITES):
                self._refuse(path)
        elif event in _CHANGED and not (
            event in _RELATIVE and any(isinstance(fd, int) and fd >= 0 for fd in arguments)
        ):
            for index in _CHANGED[event]:
                self._refuse(arguments[index])

    def _refuse(self, path: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        full = os.path.realpath(os.fsdecode(path))
        if self._protected(full):
            raise CandidateFailed(
                f"it changes the file {Path(full).name!r}, which a trial must not do: do that in a cell of its own"
            )
