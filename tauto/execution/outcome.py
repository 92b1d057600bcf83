"""From what a job left in its folder, and how it ended, to an :class:`Outcome` in words."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from tauto.errors import CandidateFailed, TautoError
from tauto.execution.child import BEGAN, ERROR, EXIT_NO_SPACE, OUTPUT, RESULT
from tauto.execution.job import Failure, Job, Outcome
from tauto.execution.wire import Message

__all__ = ["clear_folder", "read_outcome"]

_TAIL_LINES = 20
_TAIL_BYTES = 64 * 1024
_FROM_OUTSIDE = {"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"}


def clear_folder(folder: Path) -> None:
    """Make ``folder``, private, with nothing in it that a job would write."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (BEGAN, ERROR, OUTPUT, RESULT):
        (folder / name).unlink(missing_ok=True)


def read_outcome(job: Job, end: Message, memory_limit_bytes: int, submitted: float, ended: float) -> Outcome:
    """Return what came of ``job``, which ended as the message ``end`` says.

    ``submitted`` and ``ended`` are of ``time.monotonic()``: that clock is one for all processes.
    """
    content = _json(job.folder / RESULT)
    failure = None if content is not None else _failure(job, end, memory_limit_bytes)
    return Outcome(
        result=content["result"] if content else None,
        failure=failure,
        wall_s=ended - submitted,
        startup_s=_startup_s(job.folder, submitted),
        peak_private_bytes=end["peak_bytes"],
        output_tail=_tail(job.folder / OUTPUT),
    )


def _failure(job: Job, end: Message, memory_limit_bytes: int) -> Failure:
    if end["stopped"] == "time":
        return Failure("timed_out", f"did not end within {job.wall_limit_s:.3g} s: stopped")
    if end["stopped"] == "memory":
        limit = f"{memory_limit_bytes / 1e9:.1f} GB"
        return Failure("out_of_memory", f"used more than {limit} of private memory: stopped")
    if end["stopped"] == "asked":
        return Failure("killed", "was stopped because it was no longer wanted")
    if (report := _json(job.folder / ERROR)) is not None:
        return _raised(report)
    if end["status"] is None:
        return Failure("lost", end["error"] or "was lost: its server ended")
    return _exited(end["status"]) if end["status"] >= 0 else _signalled(-end["status"])


def _raised(report: Message) -> Failure:
    kinds, message = report["kinds"], report["message"].strip()
    details = {"error": kinds[0], "traceback": report["traceback"]}
    if CandidateFailed.__name__ in kinds:
        return Failure("refused", message, **details)
    if TautoError.__name__ in kinds:
        return Failure("raised", message, **details)
    reason = f"raised {kinds[0]}" + (f": {message}" if message else "")
    out_of_memory = {"MemoryError", "OutOfMemoryError"} & set(kinds) or "can't allocate memory" in message
    return Failure("out_of_memory" if out_of_memory else "raised", reason, **details)


def _exited(code: int) -> Failure:
    if code == EXIT_NO_SPACE:
        return Failure("exited", "could not write its result: no space is left on the disk")
    return Failure("exited", f"ended itself with exit code {code}")


def _signalled(number: int) -> Failure:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if name == "SIGKILL":
        reason = "was killed with SIGKILL from outside (the kernel's out-of-memory killer does that)"
        return Failure("killed", reason)
    if name in _FROM_OUTSIDE:
        return Failure("killed", f"was ended with {name} from outside")
    return Failure("crashed", f"crashed with {name} (signal {number})")


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return content


def _startup_s(folder: Path, submitted: float) -> float | None:
    try:
        return float((folder / BEGAN).read_text()) - submitted
    except (FileNotFoundError, ValueError):
        return None


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
