"""What a trial tells of its training while it runs, for the process that waits for it."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

from tauto.events import Progress

__all__ = ["ProgressFile", "last_progress"]

EVERY_S = 0.5


class ProgressFile:
    """Writes what it hears into ``file``, twice a second at most; each time whole."""

    def __init__(self, file: Path) -> None:
        self._file, self._told = file, 0.0

    def __call__(self, progress: Progress) -> None:
        """Take note of ``progress``."""
        if (now := time.monotonic()) - self._told < EVERY_S:
            return
        self._told, part = now, self._file.with_suffix(".part")
        with suppress(OSError):  # a full disk ends no training
            part.write_text(json.dumps([progress.message, progress.seconds_left]), encoding="utf-8")
            part.replace(self._file)


def last_progress(file: Path) -> tuple[str, float | None]:
    """Return what a :class:`ProgressFile` heard last, and how many seconds were left then; nothing before it heard."""
    try:
        message, left_s = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "", None
    return message, left_s
