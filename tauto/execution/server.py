"""The fork server: a process that has imported torch and does nothing but fork and watch jobs.

It never runs an operator and never touches CUDA, so that a fork of it can do both. It has one thread, is no part
of the user's program (its ``__main__`` is not re-run) and adopts what its jobs leave behind.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any, NoReturn

from tauto.execution import child, wire
from tauto.execution.preload import import_libraries
from tauto.execution.processes import (
    ProcessTable,
    adopt_orphans,
    die_with_parent,
    first_for_oom_killer,
    kill_processes,
)
from tauto.execution.supervision import GRACE_S, LOOK_EVERY_S, Supervised, ended

__all__ = ["PRELOADED", "Server", "main"]

PRELOADED = ("torch", "cloudpickle", "tauto.execution.transfer", "tauto.tuning.trial")
"""Imported once by the server, so that no trial pays for them."""

_IDLE_S = 1.0


class Server:
    """Forks a child for each job that is asked for on ``connection`` and watches over them."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._kernel = os.getppid()
        self._jobs: dict[int, Supervised] = {}
        self._statuses: dict[int, int] = {}
        self._table = ProcessTable()
        self._woken, self._wake = socket.socketpair()

    def serve(self) -> None:
        """Work until the kernel closes the connection or dies; then nothing is left running."""
        self._set_signals()
        adopt_orphans()
        try:
            while self._turn():
                pass
        finally:
            for job in list(self._jobs.values()):
                job.stop("asked")
                job.end(self._table, self._reap)
            self._kill_strays()

    def _set_signals(self) -> None:
        # Ctrl-C is the kernel's; a child's end only has to wake the select below.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for end in (self._woken, self._wake):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)

    def _turn(self) -> bool:
        """Wait for something to happen and deal with it; False when the kernel is gone."""
        wait_s = LOOK_EVERY_S if self._jobs else _IDLE_S
        readable, _, _ = select.select([self._connection, self._woken], [], [], wait_s)
        if self._woken in readable:
            with suppress(BlockingIOError):
                self._woken.recv(4096)
        if os.getppid() != self._kernel:
            return False
        if self._connection in readable:
            message = wire.receive(self._connection)
            if message is None:
                return False
            self._obey(message)
        self._reap()
        self._watch()
        return self._tell_ends()

    def _obey(self, message: wire.Message) -> None:
        if message["op"] == "start":
            self._start(message)
        elif message["op"] == "import":
            import_libraries(message["modules"])
            gc.freeze()
        elif (job := self._jobs.get(message["id"])) is not None:
            match message["op"]:
                case "kill":
                    job.stop("asked")
                case "pause":
                    job.pause(self._table)
                    self._tell({"event": "paused", "id": job.job_id})
                case "resume":
                    job.resume()

    def _start(self, request: wire.Message) -> None:
        limits = request["wall_limit_s"], request["memory_limit_bytes"]
        try:
            pid = os.fork()
        except OSError as error:
            self._tell(ended(Supervised(request["id"], 0, *limits), None, str(error)))
            return
        if pid == 0:
            self._become_child(request)
        self._jobs[request["id"]] = Supervised(request["id"], pid, *limits)
        self._tell({"event": "started", "id": request["id"], "pid": pid})

    def _become_child(self, request: wire.Message) -> NoReturn:
        server = os.getppid()
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            die_with_parent(server)
            first_for_oom_killer()
            for end in (self._connection, self._woken, self._wake):
                end.close()
            child.run(request)
        finally:  # whatever happens, a child never goes on as a second server
            os._exit(child.EXIT_RAISED)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if any(job.pid == found[0] for job in self._jobs.values()):  # else an adopted orphan
                    self._statuses[found[0]] = os.waitstatus_to_exitcode(found[1])

    def _watch(self) -> None:
        running = [job for job in self._jobs.values() if job.pid not in self._statuses]
        if not running:
            return
        self._table.look()
        orphans = self._table.children(os.getpid()) - {job.pid for job in running}
        for job in running:
            # Of an orphan in a session of its own only one running job can be sure that it is its own.
            own = {pid for pid in orphans if len(running) == 1 or self._table.session(pid) == job.pid}
            if not job.stopped and (limit := job.look(self._table, own)):
                job.stop(limit)

    def _tell_ends(self) -> bool:
        """Report every job whose first process ended; False when the kernel is gone."""
        over = [job for job in self._jobs.values() if job.pid in self._statuses]
        for job in over:
            job.end(self._table, self._reap)
            del self._jobs[job.job_id]
        if over and not self._jobs:  # what left its job's family unseen is no one else's
            self._kill_strays()
        told = [self._tell(ended(job, self._statuses.pop(job.pid))) for job in over]
        return all(told)

    def _kill_strays(self) -> None:
        give_up = time.monotonic() + GRACE_S
        while time.monotonic() < give_up:
            self._reap()
            self._table.look(afresh=True)
            if not (strays := self._table.family({os.getpid()}) - {os.getpid()}):
                break
            kill_processes(strays)
            time.sleep(0.002)
        self._reap()

    def _tell(self, message: dict[str, Any]) -> bool:
        try:
            wire.send(self._connection, message)
        except OSError:
            return False
        return True


def main(descriptor: int) -> None:
    """Serve on the inherited socket ``descriptor``."""
    for name in PRELOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the collector then leaves the pages alone that children share
    Server(socket.socket(fileno=descriptor)).serve()
