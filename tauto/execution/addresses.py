"""Where a kernel and a job of it meet to talk while the job runs."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Client, Connection
from pathlib import Path

__all__ = ["connect", "free_socket", "new_socket"]

_LONGEST_SOCKET_PATH = 100  # sockaddr_un holds 104 (macOS) or 108 (Linux) bytes
_LOOK_EVERY_S = 0.01


def new_socket(folder: Path) -> Path:
    """Return a path for a socket: in ``folder``, or in a private short one where that is too long."""
    path = folder.absolute() / "socket"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="tauto-")) / "socket"


def free_socket(path: Path, folder: Path) -> None:
    """Remove what :func:`new_socket` returned for ``folder``."""
    path.unlink(missing_ok=True)
    if path.parent != folder.absolute():
        path.parent.rmdir()


def connect(path: Path, key: bytes, alive: Callable[[], bool], within_s: float | None) -> Connection | None:
    """Return a connection to the job that listens at ``path``; None when it ended first, or did not in time."""
    end = time.monotonic() + (math.inf if within_s is None else within_s)
    while True:
        try:
            return Client(str(path), authkey=key)
        except (FileNotFoundError, ConnectionError, EOFError):  # it is not listening yet
            time.sleep(_LOOK_EVERY_S)
        if not alive() or time.monotonic() > end:
            return None
