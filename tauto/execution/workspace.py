"""Private folders in which a verb and its trials keep weights, results and compiled artefacts."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import socket
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tauto.config import Settings, make_private
from tauto.errors import TrialFailed

__all__ = [
    "Workspace",
    "compiler_cache",
    "disk_errors_explained",
    "explain_write_failure",
    "new_workspace",
    "remove_stale",
]

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_LITTLE_BYTES = 16 * 2**20
_HOST = "".join(letter if letter.isalnum() else "_" for letter in socket.gethostname())


class Workspace:
    """A private folder that is removed when this object is closed or no longer referred to.

    An optimized model that needs files here keeps a reference.

    Parameters
    ----------
    path : Path
        The folder; it exists, with mode 0700.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._remove = weakref.finalize(self, _remove_own, path, os.getpid())

    def folder(self, name: str) -> Path:
        """Return the new, empty, private folder of a job, ``name`` with a number when it is taken."""
        for number in range(10_000):
            folder = self.path / (f"{name}-{number}" if number else name)
            try:
                with disk_errors_explained(folder):
                    folder.mkdir(mode=0o700)
            except FileExistsError:
                continue
            return folder
        raise TrialFailed(f"{self.path} holds 10,000 folders of the name {name!r}; remove some.")

    def close(self) -> None:
        """Remove the folder now."""
        self._remove()

    def __repr__(self) -> str:
        return f"Workspace({str(self.path)!r})"


def new_workspace() -> Workspace:
    """Return a new private folder under ``Settings.current().work``; folders of dead processes are removed.

    Raises
    ------
    InvalidArgument
        When the work folder is a link, no folder, or someone else's.
    TrialFailed
        When the disk is full.
    """
    root = Settings.current().work
    with disk_errors_explained(root):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(root, "TAUTO_WORK")
        remove_stale(root)
        path = root / f"{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
        path.mkdir(mode=0o700)
    return Workspace(path)


def compiler_cache() -> Path:
    """Return the private folder under ``Settings.current().compiled`` where compilers keep files between runs.

    Raises
    ------
    InvalidArgument
        When it is a link, no folder, or someone else's.
    TrialFailed
        When the disk is full.
    """
    root = Settings.current().compiled
    with disk_errors_explained(root):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(root, "TAUTO_COMPILED")
    return root


def remove_stale(root: Path) -> None:
    """Remove the folders in ``root`` whose process on this machine has died."""
    for path in root.glob(f"{_HOST}-*-*"):
        owner = path.name.split("-")[1]
        if owner.isdigit() and not psutil.pid_exists(int(owner)) and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


def _remove_own(path: Path, owner: int) -> None:
    if os.getpid() == owner:  # a fork of the owner leaves it alone
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def disk_errors_explained(path: Path) -> Iterator[None]:
    """Turn "no space left" within the block into a TrialFailed that says where and what to do."""
    try:
        yield
    except OSError as error:
        explain_write_failure(error, path)
        raise


def explain_write_failure(error: Exception, path: Path) -> None:
    """Raise TrialFailed when ``error`` came of a full disk; some libraries do not pass on the error number."""
    folder = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    if getattr(error, "errno", None) in _NO_SPACE or free < _LITTLE_BYTES:
        raise TrialFailed(
            f"No space is left for {path} ({free / 1e6:.0f} MB free). Make room, or set TAUTO_WORK to a "
            "folder on another disk."
        ) from error
