"""The file that a training is taken up from."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from tauto.errors import InvalidArgument

__all__ = ["Checkpoint"]


class Checkpoint:
    """One file: written beside itself and then renamed, so that no kill leaves half of one; read without pickle's code.

    Parameters
    ----------
    path : str or Path
        A file in a folder that exists. It is there only while a training is unfinished.
    run : dict
        What tells this training from others; a file of another one is refused.
    """

    def __init__(self, path: str | Path, run: dict[str, Any]) -> None:
        if not isinstance(path, str | Path):
            raise InvalidArgument(f"checkpoint: {path!r} is no file. Name one in a folder that exists: 'student.pt'.")
        self.path = Path(path).expanduser()
        self.run = run
        self._part = self.path.with_name(f"{self.path.name}.part")
        if not self.path.parent.is_dir() or self.path.is_dir():
            raise InvalidArgument(f"checkpoint: {str(path)!r} is no file that can be written. Name one in a folder.")

    def save(self, state: dict[str, Any]) -> None:
        """Write ``state``, in place of what was there."""
        try:
            with self._part.open("wb") as file:
                torch.save({"run": self.run, **state}, file)
                file.flush()
                os.fsync(file.fileno())
            self._part.replace(self.path)
        except OSError as error:
            raise InvalidArgument(f"checkpoint: {str(self.path)!r} cannot be written ({error.strerror}).") from None

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
        """Remove the file: the training is over."""
        for path in (self.path, self._part):
            path.unlink(missing_ok=True)
