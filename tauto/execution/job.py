"""What is run in a process of its own, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tauto.errors
from tauto.errors import CandidateFailed, TautoError, TrialFailed

__all__ = ["Failure", "FailureKind", "Job", "Outcome"]

FailureKind = Literal[
    "refused",  # the function itself said that it cannot be done (CandidateFailed)
    "raised",
    "exited",
    "crashed",
    "killed",
    "timed_out",
    "out_of_memory",
    "lost",  # the server died under it, or no process could be started
]


@dataclass(frozen=True, slots=True)
class Job:
    """A function to run in a fresh process.

    Parameters
    ----------
    function : str
        ``"package.module:function"``; the process imports it. A dotted name after the colon is fine.
    arguments : Mapping[str, Any]
        Its keyword arguments, of what JSON can say; anything larger travels as a file.
    folder : Path
        A private folder of this job alone; results and output are written there.
    wall_limit_s : float or None
        Seconds after which the job is stopped; None for no limit.
    memory_limit_bytes : int or None
        Limit on the private memory of the job and all it starts; None for 80 % of what is free now.
    env : Mapping[str, str]
        Environment variables over those of this process.
    cores : int, tuple of int or None
        Cores that it is held to, of those that this process may use: so many, or these by number; None for all.
    """

    function: str
    arguments: Mapping[str, Any]
    folder: Path
    wall_limit_s: float | None = None
    memory_limit_bytes: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    cores: int | tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """How a job ended without a result.

    Parameters
    ----------
    kind : FailureKind
        What sort of end it was.
    reason : str
        The same in words for a person.
    error : str or None
        Name of the exception's class, when the function raised.
    traceback : str or None
        The last frames of that exception.
    """

    kind: FailureKind
    reason: str
    error: str | None = None
    traceback: str | None = None

    def to_exception(self) -> Exception:
        """Return the exception to raise for it: TAuto's own class where one was raised, else TrialFailed."""
        if self.error == CandidateFailed.__name__:
            return CandidateFailed(self.reason)
        known = getattr(tauto.errors, self.error or "", None)
        if isinstance(known, type) and issubclass(known, TautoError):
            return known(self.reason)
        return TrialFailed(self.reason)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: a result or a failure.

    Parameters
    ----------
    result : Any
        What the function returned (None also when it failed).
    failure : Failure or None
        How it failed; None when it returned.
    wall_s : float
        Seconds from submission to the end of the job.
    startup_s : float or None
        Seconds from submission to the first line of the function, its module's imports included;
        None when it never got there.
    peak_private_bytes : int
        Largest private memory of the job's processes together, as seen every 50 ms.
    output_tail : str
        The last lines that the job printed.
    """

    result: Any
    failure: Failure | None
    wall_s: float
    startup_s: float | None
    peak_private_bytes: int
    output_tail: str
