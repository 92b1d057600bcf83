"""The search's end of one trial: its process, the knobs that it asks for, its limits, and how it ended."""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from tauto.execution import Job, Outcome, RunningJob, Share, Workspace, executor
from tauto.execution.addresses import connect, free_socket, new_socket
from tauto.execution.child import OUTPUT
from tauto.interrupts import held_interrupts
from tauto.tuning.hyperparameters.knobs import Knob

__all__ = ["Answers", "End", "Refused", "converse"]

_LOOK_S = 0.1
_READY_S = 120.0
_ENDS_S = 5.0
"""So long a trial that was stopped early may clean up after itself."""
_MOST_OUTPUT = 16_000_000
"""What a trial printed is emptied above so many bytes."""


class Refused(Exception):
    """A knob cannot be answered; the message says why. The trial fails by it, the search goes on."""


class Answers(Protocol):
    """Who answers a trial."""

    def ask(self, knob: Knob) -> Any:
        """Return a value for ``knob``, or raise :class:`Refused`."""

    def report(self, value: float, step: int) -> bool:
        """Hear how good the trial is so far; return whether it is to stop."""

    def meanwhile(self) -> None:
        """Be called several times a second while the trial runs; what it raises ends the trial."""


@dataclass(slots=True)
class End:
    """How a trial's process ended: with what the objective returned, stopped early, or failed."""

    returned: Any = None
    stopped_early: bool = False
    failed: str = ""
    kind: str = ""
    """Of the failure: those of one kind are alike."""
    seconds: float = 0.0
    printed_bytes: int = 0
    libraries: list[str] = field(default_factory=list)
    machine: tuple[str, str] | None = None
    """Fingerprint and description of the one that it ran on; None for the search's own."""


def converse(
    payload: Path, title: str, seed: int, workspace: Workspace, answers: Answers, within_s: float, share: Share
) -> End:
    """Run one trial to its end.

    Parameters
    ----------
    payload, title : Path, str
        What :meth:`Subject.save` wrote, and the subject's title.
    seed : int
        Of its random numbers.
    workspace : Workspace
        Where its folder is made.
    answers : Answers
        Hears and answers it.
    within_s : float
        Seconds that it may take.
    share : Share
        What of this machine it may use.
    """
    folder = workspace.folder("trial")
    address, key = new_socket(folder), secrets.token_hex(32)
    arguments = {"payload": str(payload), "title": title, "address": str(address), "key": key, "seed": seed}
    job = Job(
        "tauto.tuning.hyperparameters.trial:run",
        arguments,
        folder,
        None if math.isinf(within_s) else within_s,
        share.memory_limit_bytes,
        cores=share.cores,
    )
    with held_interrupts():
        running = executor().start(job)
    talk = _Talk(running, answers)

    def alive() -> bool:
        answers.meanwhile()
        return running.alive

    try:
        with _bounded(folder / OUTPUT) as printed:
            connection = connect(address, bytes.fromhex(key), alive, min(within_s, _READY_S))
            if connection is not None:
                with connection:
                    talk.until_it_ends(connection)
            outcome = running.wait(timeout_s=_ENDS_S) or running.kill()
    finally:
        with held_interrupts():  # a second Ctrl-C must leave no process
            running.kill()
            free_socket(address, folder)
            shutil.rmtree(folder, ignore_errors=True)
    return _end(outcome, talk, sum(printed), within_s)


@contextmanager
def _bounded(output: Path) -> Iterator[list[int]]:
    """Empty the file before it fills the disk, whatever this thread waits for; how many bytes went is in the list."""
    thrown_away: list[int] = []
    over = threading.Event()

    def look() -> None:
        while True:
            ends = over.wait(_LOOK_S)
            with suppress(FileNotFoundError):
                if (size := output.stat().st_size) > _MOST_OUTPUT:
                    os.truncate(output, 0)  # it is open for appending: what is printed next is the new beginning
                    thrown_away.append(size)
            if ends:
                return

    watch = threading.Thread(target=look, name="tauto-output", daemon=True)
    watch.start()
    try:
        yield thrown_away
    finally:
        over.set()
        watch.join()


class _Talk:
    def __init__(self, running: RunningJob, answers: Answers) -> None:
        self._running, self._answers = running, answers
        self._give_up = math.inf
        self.stopped_early = False
        self.waited_s = 0.0
        """Seconds that the process had to wait for answers."""

    def until_it_ends(self, connection: Connection) -> None:
        """Answer until the process has ended; a worker of it may hold the line open for longer."""
        while self._running.alive and time.monotonic() < self._give_up:
            began = time.monotonic()
            self._answers.meanwhile()
            try:
                if not connection.poll():
                    if not connection.poll(_LOOK_S):
                        continue
                    began = time.monotonic()
                reply = self._reply(json.loads(connection.recv_bytes()))
                self.waited_s += time.monotonic() - began
                connection.send_bytes(json.dumps(reply).encode())
            except (EOFError, OSError):
                self._running.wait(timeout_s=_LOOK_S)

    def _reply(self, message: dict[str, Any]) -> dict[str, Any]:
        if "knob" in message:
            try:
                return {"value": self._answers.ask(Knob.from_dict(message["knob"]))}
            except Refused as error:
                return {"refused": str(error)}
        if not self.stopped_early and self._answers.report(float(message["report"]), int(message["step"])):
            self.stopped_early = True
            self._give_up = time.monotonic() + _ENDS_S
        return {"stop": self.stopped_early}


def _end(outcome: Outcome | None, talk: _Talk, printed_bytes: int, within_s: float) -> End:
    if outcome is None:
        return End(failed="did not end when it was killed", kind="killed", printed_bytes=printed_bytes)
    end = End(seconds=outcome.wall_s, stopped_early=talk.stopped_early, printed_bytes=printed_bytes)
    if talk.stopped_early:
        return end
    if outcome.failure is not None:
        end.failed, end.kind = outcome.failure.reason, outcome.failure.kind
        if end.kind == "timed_out" and outcome.wall_s - talk.waited_s < within_s / 2:
            end.failed, end.kind = "was kept waiting by the storage until its time was up", "lost"
        return end
    told = outcome.result
    end.returned, end.failed, end.kind = told.get("value"), told.get("failed", ""), told.get("kind", "")
    end.libraries = told["libraries"]
    return end
