"""Where there is no fork (Windows): a new Python process for each job.

The same limits hold, but each trial pays for importing torch (2 to 6 s). Unmeasured on Windows itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from tauto.execution import child
from tauto.execution.client import Listener, Order
from tauto.execution.processes import ProcessTable, first_for_oom_killer
from tauto.execution.supervision import LOOK_EVERY_S, Supervised, ended
from tauto.execution.wire import Message

__all__ = ["Spawner", "main"]

_PROGRAM = """
import json, sys
sys.path.extend(entry for entry in json.loads(sys.argv[1]) if entry not in sys.path)
from tauto.execution.spawner import main
main()
"""


class Spawner:
    """Starts a Python process for each job, and a thread of this process that watches it."""

    alive = True

    def __init__(self) -> None:
        self._jobs: dict[int, Supervised] = {}
        self._listeners: dict[int, Listener] = {}
        self._threads: list[threading.Thread] = []

    def submit(self, request: Message, listener: Listener) -> None:
        """Ask for a job; ``listener`` hears, in another thread, when it started and ended."""
        arguments = (request, listener)
        thread = threading.Thread(target=self._run, args=arguments, name="tauto-spawner", daemon=True)
        self._threads = [*(thread for thread in self._threads if thread.is_alive()), thread]
        thread.start()

    def preload(self, modules: Sequence[str]) -> None:
        """Do nothing: each job is a new process that imports for itself."""

    def order(self, job_id: int, op: Order) -> None:
        """Ask for the end of a job, or that it stands still or goes on; one that has ended is fine."""
        if (job := self._jobs.get(job_id)) is None:
            return
        match op:
            case "kill":
                job.stop("asked")
            case "pause":
                job.pause(ProcessTable())
                self._listeners[job_id]({"event": "paused", "id": job_id})
            case "resume":
                job.resume()

    def close(self) -> None:
        """End every job."""
        for job_id in list(self._jobs):
            self.order(job_id, "kill")
        for thread in self._threads:
            thread.join()

    def _run(self, request: Message, listener: Listener) -> None:
        path = json.dumps([entry for entry in request["path"] if entry])
        command = [sys.executable, "-P", "-c", _PROGRAM, path]
        limits = request["wall_limit_s"], request["memory_limit_bytes"]
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            listener(ended(Supervised(request["id"], 0, *limits), None, str(error)))
            return
        self._listeners[request["id"]] = listener
        job = self._jobs[request["id"]] = Supervised(request["id"], process.pid, *limits)
        listener({"event": "started", "id": job.job_id, "pid": process.pid})
        with process:
            _tell(process, request)
            self._watch(process, job)
        del self._jobs[job.job_id], self._listeners[job.job_id]
        listener(ended(job, process.returncode))

    def _watch(self, process: subprocess.Popen[bytes], job: Supervised) -> None:
        table = ProcessTable()
        while process.poll() is None:
            table.look()
            if not job.stopped and (limit := job.look(table, set())):
                job.stop(limit)
            time.sleep(LOOK_EVERY_S)
        job.end(table, process.poll)


def _tell(process: subprocess.Popen[bytes], request: Message) -> None:
    """Send the request; the pipe stays open, and its end tells the child that this process has died."""
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
    except OSError:  # it died already: its status says how
        process.kill()


def main() -> None:
    """Run the job that the standard input asks for."""
    stdin = os.fdopen(os.dup(0), "rb")
    request = json.loads(stdin.readline())
    threading.Thread(target=_die_at_end, args=(stdin,), daemon=True).start()
    first_for_oom_killer()
    child.run(request)


def _die_at_end(stdin: object) -> None:
    stdin.read()  # type: ignore[attr-defined]
    os._exit(child.EXIT_RAISED)
