"""The processes of one running job: held to its limits, and all ended when it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

import psutil

from tauto.execution.memory import private_bytes, private_bytes_at_most
from tauto.execution.processes import ProcessTable, kill_group, kill_processes

__all__ = ["GRACE_S", "LOOK_EVERY_S", "Stop", "Supervised", "ended"]

LOOK_EVERY_S = 0.05
_EXACT_EVERY_S = 0.5
GRACE_S = 2.0
Stop = Literal["time", "memory", "asked"]


class Supervised:
    """One job's first process and all that descend from it.

    Parameters
    ----------
    job_id : int
        Number under which the job was asked for.
    pid : int
        Its first process, which leads a session and process group of its own.
    wall_limit_s, memory_limit_bytes : float or None, int or None
        Its limits.
    """

    def __init__(self, job_id: int, pid: int, wall_limit_s: float | None, memory_limit_bytes: int | None) -> None:
        self.job_id = job_id
        self.pid = pid
        self.members = {pid}
        self.stopped: Stop | None = None
        self.peak_bytes = 0
        self._started = time.monotonic()
        self._wall_limit_s = wall_limit_s
        self._memory_limit_bytes = memory_limit_bytes
        self._exact_at = 0.0
        self._paused_at: float | None = None
        self._paused_s = 0.0

    def look(self, table: ProcessTable, orphans: set[int]) -> Stop | None:
        """Bring members and peak up to date; return which limit is passed, if one is.

        ``orphans`` are processes whose parent died and that are known to be this job's.
        """
        self.members = table.family({self.pid} | table.alive(self.members) | orphans)
        if self._wall_limit_s is not None and self._run_s > self._wall_limit_s:
            return "time"
        limit = self._memory_limit_bytes
        if self._measure(limit) and limit is not None and self.peak_bytes > limit:
            return "memory"
        return None

    @property
    def _run_s(self) -> float:
        """Seconds since its start, without those in which it stood still."""
        now = time.monotonic()
        still = self._paused_s + (now - self._paused_at if self._paused_at is not None else 0.0)
        return now - self._started - still

    def pause(self, table: ProcessTable) -> None:
        """Have all its processes stand still; the time that they do counts towards no limit."""
        if self._paused_at is not None:
            return
        self._paused_at = time.monotonic()
        still = set[int]()
        while left := self.members - still:  # one that was started meanwhile, too
            for pid in left:
                with suppress(psutil.Error):
                    psutil.Process(pid).suspend()
            still |= left
            table.look(afresh=True)
            self.members = table.family({self.pid} | table.alive(self.members))

    def resume(self) -> None:
        """Have them go on."""
        if self._paused_at is None:
            return
        for pid in self.members:
            with suppress(psutil.Error):
                psutil.Process(pid).resume()
        self._paused_s += time.monotonic() - self._paused_at
        self._paused_at = None

    def _measure(self, limit: int | None) -> bool:
        """Raise the peak if memory grew. The costly exact reading is made when it can matter."""
        bound, now = private_bytes_at_most(self.members), time.monotonic()
        if bound <= self.peak_bytes:
            return False
        if len(self.members) > 1:
            if now - self._exact_at < _EXACT_EVERY_S and (limit is None or bound <= limit):
                return False
            self._exact_at, bound = now, private_bytes(self.members)
        self.peak_bytes = max(self.peak_bytes, bound)
        return True

    def stop(self, why: Stop) -> None:
        """Kill all its processes; :meth:`end` makes sure of it."""
        self.stopped = self.stopped or why
        kill_group(self.pid)
        kill_processes(self.members - {self.pid})

    def end(self, table: ProcessTable, reap: Callable[[], object]) -> None:
        """Kill what is left of it until nothing is (2 s at most).

        A process that sits in an uninterruptible system call ends when that call does.
        """
        give_up = time.monotonic() + GRACE_S
        kill_group(self.pid)
        while True:
            reap()
            table.look(afresh=True)
            self.members = self._remaining(table)
            if not self.members or time.monotonic() > give_up:
                reap()
                return
            kill_processes(self.members)
            time.sleep(0.002)

    def _remaining(self, table: ProcessTable) -> set[int]:
        # A pid is only believed to be ours while it descends from this process: it may have been given anew.
        ours = table.family({os.getpid()}) - {os.getpid()}
        of_session = {pid for pid in ours if table.session(pid) == self.pid}
        return table.family((self.members & ours) | of_session)


def ended(job: Supervised, status: int | None, error: str | None = None) -> dict[str, Any]:
    """Return the message that says how ``job`` ended; ``status`` as ``Popen.returncode`` has it."""
    return {
        "event": "ended",
        "id": job.job_id,
        "status": status,
        "stopped": job.stopped,
        "peak_bytes": job.peak_bytes,
        "error": error,
    }
