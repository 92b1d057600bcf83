"""The highest private memory of this process while a cell runs."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import psutil

__all__ = ["MemoryWatch", "private_bytes"]

_STATM = Path("/proc/self/statm")
_INTERVAL_S = 0.02


def private_bytes() -> int:
    """Return the bytes of memory that only this process holds.

    On Linux resident less shared pages (proc_pid_statm(5)), which costs microseconds; elsewhere the resident set.
    """
    if not _STATM.exists():
        return int(psutil.Process().memory_info().rss)
    resident, shared = map(int, _STATM.read_text().split()[1:3])
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


class MemoryWatch:
    """Looks at :func:`private_bytes` every 20 ms from a thread; a peak shorter than that may be missed."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="tauto-memory", daemon=True)

    def start(self) -> None:
        """Look once, and go on looking until :meth:`stop`."""
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """Look a last time, and end the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
            self._look()

    def _look(self) -> None:
        self.peak_bytes = max(self.peak_bytes, private_bytes())
