"""The kernel's end of the fork server: starts it, asks it for jobs, hears from it, notices when it dies."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal

from tauto.execution import wire
from tauto.execution.processes import kill_group
from tauto.execution.wire import Message

__all__ = ["ForkServer", "Listener", "Order"]

Listener = Callable[[Message], None]
Order = Literal["kill", "pause", "resume"]

# -P: a random.py beside the notebook must not stand in for Python's own. The kernel's path comes last.
_PROGRAM = """
import json, sys
sys.path.extend(entry for entry in json.loads(sys.argv[1]) if entry not in sys.path)
from tauto.execution.server import main
main(int(sys.argv[2]))
"""
_CLOSE_S = 5.0


class ForkServer:
    """A running fork server; :meth:`close` ends it and all its jobs."""

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - read when the server dies, closed with it
        path = json.dumps([entry for entry in sys.path if isinstance(entry, str) and entry])
        command = [sys.executable, "-P", "-c", _PROGRAM, path, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                start_new_session=True,  # neither Ctrl-C nor a kill of the kernel's group stops its clean-up
            )
        self._listeners: dict[int, Listener] = {}
        self._pids: dict[int, int] = {}
        self._lock = threading.Lock()
        self.alive = True
        _servers.add(self)
        threading.Thread(target=self._hear, name="tauto-fork-server", daemon=True).start()

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def submit(self, request: Message, listener: Listener) -> None:
        """Ask for a job; ``listener`` hears, in another thread, when it started and ended."""
        with self._lock:
            if not self.alive:
                raise ConnectionError("the fork server has ended")
            self._listeners[request["id"]] = listener
            try:
                self._send(request)
            except BaseException:
                del self._listeners[request["id"]]
                raise

    def preload(self, modules: Sequence[str]) -> None:
        """Ask the server to import libraries, so that later jobs need not; it starts no job meanwhile."""
        with suppress(OSError), self._lock:
            self._send({"op": "import", "modules": list(modules)})

    def order(self, job_id: int, op: Order) -> None:
        """Ask for the end of a job, or that it stands still or goes on; one that has ended is fine."""
        with suppress(OSError), self._lock:
            self._send({"op": op, "id": job_id})

    def close(self) -> None:
        """End the server and every job of it."""
        if not self.alive:
            return
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._wait()

    def abandon(self) -> None:
        """Forget the server in a fork of this process: it belongs to the original."""
        self.alive = False
        self._connection.close()
        self._errors.close()
        self._process.returncode = 0  # it is no child of this process, so there is nothing to wait for

    def _send(self, message: Message) -> None:
        try:
            wire.send(self._connection, message)
        except BaseException:
            # Half a message may be out: only a new server can be talked to.
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
            raise

    def _hear(self) -> None:
        while (message := wire.receive(self._connection)) is not None:
            job_id = message["id"]
            if message["event"] == "ended":
                self._pids.pop(job_id, None)
                self._listeners.pop(job_id, _nobody)(message)
                continue
            if message["event"] == "started":
                self._pids[job_id] = message["pid"]
            self._listeners.get(job_id, _nobody)(message)
        self._bury()

    def _bury(self) -> None:
        """End what a dead server left, and tell whoever waits for it."""
        with self._lock:
            self.alive = False
            listeners, self._listeners = self._listeners, {}
        for pid in self._pids.values():
            kill_group(pid)
        reason = self._reason()
        for job_id, listener in listeners.items():
            end = {"event": "ended", "id": job_id, "status": None, "stopped": None}
            listener(end | {"peak_bytes": 0, "error": reason})
        self._connection.close()
        self._errors.close()

    def _wait(self) -> None:
        """Wait for the server's end; it has been told, and needs a moment to end its jobs."""
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _reason(self) -> str:
        self._wait()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip().splitlines()
        status = f"was lost: the server that runs trials ended (exit status {self._process.returncode})"
        return f"{status}: {words[-1]}" if words else status


def _nobody(message: Message) -> None:
    """Hear of a job whose submission was interrupted."""


_servers: weakref.WeakSet[ForkServer] = weakref.WeakSet()


def _after_fork() -> None:
    for server in list(_servers):
        if server.alive:
            server.abandon()
    _servers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
