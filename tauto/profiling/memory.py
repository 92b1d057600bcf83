"""The private memory of this process, and its highest while a cell runs."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

__all__ = ["MemoryWatch"]

_STATM = Path("/proc/self/statm")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class MemoryWatch:
    """Private is, on Linux, what is resident less what is shared (proc_pid_statm(5)); elsewhere the resident set.

    The file is held open while watching, so that a look costs microseconds of the user's time. A peak between two
    looks is missed.
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._statm: int | None = None

    def open(self) -> None:
        """Look once."""
        if _STATM.exists():
            self._statm = os.open(_STATM, os.O_RDONLY | os.O_CLOEXEC)
        self.look()

    def close(self) -> None:
        """Look a last time."""
        self.look()
        statm, self._statm = self._statm, None
        if statm is not None:
            os.close(statm)

    def look(self) -> int:
        """Return the private bytes at this moment, and remember the highest."""
        if self._statm is None:
            private = int(psutil.Process().memory_info().rss)
        else:
            resident, shared = map(int, os.pread(self._statm, 128, 0).split()[1:3])
            private = (resident - shared) * _PAGE_BYTES
        self.peak_bytes = max(self.peak_bytes, private)
        return private
