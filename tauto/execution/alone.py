"""Measuring alone: one process of this machine at a time, with its neighbours of the same search standing still."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from tauto.config import Settings

__all__ = ["DONE", "GO", "READY", "alone"]

READY, GO, DONE = "measure.ready", "measure.go", "measure.done"
"""Files of a job's folder: it waits to measure, it may, it has."""
_LOOK_EVERY_S = 0.005


@contextmanager
def alone(turn: str | None = None) -> Iterator[float]:
    """Measure inside the block; what else measures on this machine waits.

    Parameters
    ----------
    turn : str, optional
        The folder of a job that runs beside others: these are made to stand still first, by whoever started them.

    Yields
    ------
    float
        Seconds that this job itself stood still so far.
    """
    with FileLock(Settings.current().work / "measuring.lock"):
        if turn is None:
            yield 0.0
            return
        folder = Path(turn)
        (folder / READY).touch()
        while not (folder / GO).exists():
            time.sleep(_LOOK_EVERY_S)
        try:
            yield float((folder / GO).read_text())
        finally:
            (folder / DONE).touch()
