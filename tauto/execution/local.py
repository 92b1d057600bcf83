"""Runs jobs on this machine, each in a fresh process that can crash, hang or eat memory without harm here."""

from __future__ import annotations

import atexit
import itertools
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Protocol, Self

from tauto.errors import TrialFailed
from tauto.execution.client import ForkServer, Listener, Order
from tauto.execution.job import Job, Outcome
from tauto.execution.memory import default_limit_bytes
from tauto.execution.outcome import clear_folder, read_outcome
from tauto.execution.processes import kill_group
from tauto.execution.spawner import Spawner
from tauto.execution.wire import Message
from tauto.execution.workspace import disk_errors_explained

__all__ = ["LocalExecutor", "RunningJob", "executor"]

_numbers = itertools.count(1)
_STILL_WITHIN_S = 5.0


class _Runner(Protocol):
    alive: bool

    def submit(self, request: Message, listener: Listener) -> None: ...
    def preload(self, modules: Sequence[str]) -> None: ...
    def order(self, job_id: int, op: Order) -> None: ...
    def close(self) -> None: ...


class RunningJob:
    """A job under way; made by :meth:`LocalExecutor.start`."""

    def __init__(self, job: Job, memory_limit_bytes: int) -> None:
        self.job = job
        self.pid: int | None = None
        self._memory_limit_bytes = memory_limit_bytes
        self._submitted = time.monotonic()
        self._ended = threading.Event()
        self._still = threading.Event()
        self._end: Message = {}
        self._end_time = 0.0
        self._outcome: Outcome | None = None
        self._number = next(_numbers)
        self._runner: _Runner | None = None

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return not self._ended.is_set()

    def wait(self, timeout_s: float | None = None) -> Outcome | None:
        """Return its outcome once it has ended, or None after ``timeout_s`` seconds."""
        if self._outcome is None and self._ended.wait(timeout_s):
            self._outcome = read_outcome(self.job, self._end, self._memory_limit_bytes, self._submitted, self._end_time)
        return self._outcome

    def kill(self) -> Outcome | None:
        """Stop it with all it started, and return its outcome (None if it will not die)."""
        if self._runner is None:
            return None
        if self.alive:
            self._runner.order(self._number, "kill")
        return self.wait(timeout_s=10.0)

    def pause(self) -> None:
        """Have it stand still with all it started, and return when it does; that time counts towards no limit."""
        if self._runner is None or not self.alive:
            return
        self._still.clear()
        self._runner.order(self._number, "pause")
        self._still.wait(_STILL_WITHIN_S)

    def resume(self) -> None:
        """Have it go on."""
        if self._runner is not None and self.alive:
            self._runner.order(self._number, "resume")

    def stop(self) -> None:
        """Kill it without waiting: takes no lock, so that it may be called from a finalizer."""
        if self.alive and self.pid is not None:
            kill_group(self.pid)

    def _submit(self, runner: _Runner) -> None:
        self._runner = runner
        try:
            runner.submit(self._request(), self._hear)
        except ConnectionError:
            self._runner = None
            raise

    def _hear(self, message: Message) -> None:
        if message["event"] == "started":
            self.pid = message["pid"]
            return
        self._still.set()
        if message["event"] == "paused":
            return
        self._end, self._end_time = message, time.monotonic()
        self._ended.set()

    def _request(self) -> Message:
        return {
            "op": "start",
            "id": self._number,
            "function": self.job.function,
            "arguments": dict(self.job.arguments),
            "folder": str(self.job.folder.absolute()),
            "wall_limit_s": self.job.wall_limit_s,
            "memory_limit_bytes": self._memory_limit_bytes,
            "env": {**os.environ, **self.job.env},
            "path": [entry for entry in sys.path if isinstance(entry, str)],
            "cwd": os.getcwd(),  # noqa: PTH109
            "cores": self.job.cores,
            "torch": _torch_state(self.job.cores),
        }


class LocalExecutor:
    """Runs jobs in fresh children of a fork server (where there is no fork: in new Python processes).

    Starting is lazy: the server starts with the first job, or with :meth:`warm`. A server that died is
    replaced at the next job; in a fork of this process a new one is started.

    Examples
    --------
    >>> with LocalExecutor() as local:  # doctest: +SKIP
    ...     local.run(Job("math:factorial", {"n": 5}, folder)).failure.reason
    'raised TypeError: math.factorial() takes no keyword arguments'
    """

    def __init__(self) -> None:
        self._runner: _Runner | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def warm(self) -> None:
        """Start the server now, without waiting for it: it imports while the caller prepares."""
        self._ready()

    def preload(self, modules: Sequence[str]) -> None:
        """Have the server import installed libraries once, so that later jobs need not."""
        self._ready().preload(modules)

    def start(self, job: Job) -> RunningJob:
        """Start ``job`` and return at once."""
        running = _prepared(job)
        self._submit(running)
        return running

    def run(self, job: Job) -> Outcome:
        """Run ``job`` to its end and return its outcome; on KeyboardInterrupt it is stopped first."""
        running = _prepared(job)
        try:
            self._submit(running)
            outcome = running.wait()
        except BaseException:
            running.kill()
            raise
        assert outcome is not None
        return outcome

    def close(self) -> None:
        """End the server and every job under way; a later job starts a new one."""
        with self._lock:
            runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    def _submit(self, running: RunningJob) -> None:
        try:
            try:
                running._submit(self._ready())
            except ConnectionError:  # the server died since we last heard from it: once more with a new one
                running._submit(self._ready())
        except OSError as error:
            raise TrialFailed(f"No process could be started for the trial: {error}") from error

    def _ready(self) -> _Runner:
        with self._lock:
            if self._runner is None or not self._runner.alive:
                self._runner = ForkServer() if hasattr(os, "fork") else Spawner()
            return self._runner


def _prepared(job: Job) -> RunningJob:
    with disk_errors_explained(job.folder):
        clear_folder(job.folder)
    limit = job.memory_limit_bytes
    return RunningJob(job, default_limit_bytes() if limit is None else limit)


def _torch_state(cores: int | tuple[int, ...] | None) -> dict[str, Any] | None:
    """Return the settings of torch in this process under which the job is to run too, on these cores."""
    if (torch := sys.modules.get("torch")) is None:
        return None
    most = len(cores) if isinstance(cores, tuple) else cores
    return {
        "threads": min(torch.get_num_threads(), most or sys.maxsize),
        "dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "matmul_precision": torch.get_float32_matmul_precision(),
    }


_shared = LocalExecutor()


def executor() -> LocalExecutor:
    """Return the executor that this process shares; it ends with the process."""
    return _shared


def _renew() -> None:
    global _shared  # a fork of this process gets its own: this one's lock may be held by a thread it lacks
    _shared = LocalExecutor()


atexit.register(lambda: executor().close())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
