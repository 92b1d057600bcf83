"""The highest private memory of this process while a cell runs."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import psutil

__all__ = ["MemoryWatch"]

_STATM = Path("/proc/self/statm")
_INTERVAL_S = 0.02
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class MemoryWatch:
    """Looks at the private memory every 20 ms from a thread; a peak shorter than that may be missed.

    Private is, on Linux, what is resident less what is shared (proc_pid_statm(5)); elsewhere the resident set. The
    file is held open while watching, so that a look costs microseconds of the user's time.
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._statm: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="tauto-memory", daemon=True)

    def start(self) -> None:
        """Look once, and go on looking until :meth:`stop`."""
        if _STATM.exists():
            self._statm = os.open(_STATM, os.O_RDONLY | os.O_CLOEXEC)
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """Look a last time, and end the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._look()
        statm, self._statm = self._statm, None
        if statm is not None:
            os.close(statm)

    def _watch(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
            self._look()

    def _look(self) -> None:
        if self._statm is None:
            private = int(psutil.Process().memory_info().rss)
        else:
            resident, shared = map(int, os.pread(self._statm, 128, 0).split()[1:3])
            private = (resident - shared) * _PAGE_BYTES
        self.peak_bytes = max(self.peak_bytes, private)
