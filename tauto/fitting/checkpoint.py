"""What a training is taken up from."""

from __future__ import annotations

import hashlib
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tauto.errors import InvalidArgument
from tauto.reports import Stop

__all__ = ["Checkpoint"]

SOONEST_S = 1.0
SAVING_SHARE = 0.02
"""Of the time, at most, that saving may take where that is less often than the plan says."""


class Checkpoint:
    """One file: written beside itself and then renamed, so that no kill leaves half of one; read without pickle's code.

    Parameters
    ----------
    path : str or Path
        A file in a folder that exists: it is there only while the training is unfinished. Or a folder that exists, of
        a course of trainings: each has a file of its own there, which stays when it has ended.
    run : dict
        What tells this training from others; a file of another one is refused.
    """

    def __init__(self, path: str | Path, run: dict[str, Any]) -> None:
        if not isinstance(path, str | Path):
            raise InvalidArgument(f"checkpoint: {path!r} is no file. Name one in a folder that exists: 'student.pt'.")
        self.path = Path(path).expanduser()
        self.of_many = self.path.is_dir()
        """Whether it is one of a course, and stays when it has ended."""
        if self.of_many:
            self.path /= f"{hashlib.sha256(repr(sorted(run.items())).encode()).hexdigest()[:16]}.pt"
        self.run = run
        self._part = self.path.with_name(f"{self.path.name}.part")
        self._saved_at, self._took_s = time.monotonic(), 0.0
        if not self.path.parent.is_dir():
            raise InvalidArgument(f"checkpoint: {str(path)!r} is no file that can be written. Name one in a folder.")

    def save(self, state: dict[str, Any]) -> None:
        """Write ``state``, in place of what was there."""
        began = time.monotonic()
        try:
            with self._part.open("wb") as file:
                torch.save({"run": self.run, **state}, file)
                file.flush()
                os.fsync(file.fileno())
            self._part.replace(self.path)
        except OSError as error:
            raise InvalidArgument(f"checkpoint: {str(self.path)!r} cannot be written ({error.strerror}).") from None
        self._saved_at = time.monotonic()
        self._took_s = self._saved_at - began

    def is_due(self, most_s: float) -> bool:
        """Return whether to save now: after ``most_s`` seconds, and sooner where saving takes next to nothing."""
        every_s = min(most_s, max(SOONEST_S, self._took_s / SAVING_SHARE))
        return time.monotonic() - self._saved_at >= every_s

    def settle(
        self, stop: Stop, reason: str, state: Callable[[], dict[str, Any]] | None, track: dict[str, Any]
    ) -> None:
        """Leave behind what the same call goes on from, or finds done; nothing where there is neither.

        Parameters
        ----------
        stop, reason : str
            How the training ended.
        state : callable or None
            Returns all of it, to be gone on with; None where it was cut off within a step: what was saved before
            counts.
        track : dict
            What was found: all that is needed of a training that has come to its end.
        """
        if stop == "interrupted" or (self.of_many and stop == "out_of_time"):
            if state is not None:
                self.save(state())
        elif self.of_many and stop in {"finished", "early_stopping"}:
            self.save({"ended": [stop, reason], "track": track})
        else:
            self.remove()

    def load(self) -> dict[str, Any] | None:
        """Return what was saved; None when there is no file.

        Raises
        ------
        InvalidArgument
            When the file is not one, or of another training.
        """
        if not self.path.exists():
            return None
        otherwise = "Delete the file, or name another."
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            run = state.pop("run")
        except (OSError, RuntimeError, EOFError, KeyError, AttributeError, TypeError, pickle.UnpicklingError):
            raise InvalidArgument(f"checkpoint: {str(self.path)!r} is none of a training. {otherwise}") from None
        if other := [name for name, value in self.run.items() if run.get(name) != value]:
            raise InvalidArgument(
                f"checkpoint: {str(self.path)!r} is of another training (other {', '.join(other)}). {otherwise}"
            )
        found: dict[str, Any] = state
        return found

    def remove(self) -> None:
        """Remove the file."""
        for path in (self.path, self._part):
            path.unlink(missing_ok=True)
