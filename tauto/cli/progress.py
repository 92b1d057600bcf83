"""Progress as one line of text."""

from __future__ import annotations

import shutil
import time
from types import TracebackType
from typing import Self, TextIO

from tauto.events import Progress

__all__ = ["TerminalProgress", "progress_line"]

EVERY_S = 0.1
EVERY_PLAIN_S = 5.0
"""Seconds between two lines where the stream is a file and a line cannot be taken back."""


def progress_line(progress: Progress) -> str:
    """Return the progress in words.

    Examples
    --------
    >>> progress_line(Progress("autotune", "measuring openvino", 0.4, 80))
    'autotune: measuring openvino · 40 % · about 1 min 20 s left'
    """
    parts = [f"{progress.task}: {progress.message}" if progress.message else progress.task]
    if progress.done is not None:
        parts.append(f"{min(max(progress.done, 0.0), 1.0) * 100:.0f} %")
    if progress.seconds_left is not None:
        parts.append(f"about {_duration(progress.seconds_left)} left")
    return " · ".join(parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(round(seconds), 0), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class TerminalProgress:
    """One line, written over itself, taken away at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._over = stream.isatty()
        self._every = EVERY_S if self._over else EVERY_PLAIN_S
        # a file's first line is due only after a while: what is quick needs no progress
        self._shown_at = -self._every if self._over else time.monotonic()
        self._dirty = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dirty:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def show(self, progress: Progress) -> None:
        """Show ``progress``, unless the last line was written just now."""
        now = time.monotonic()
        if now - self._shown_at < self._every:
            return
        self._shown_at = now
        line = " ".join(progress_line(progress).split())
        if self._over:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[K{line[:width]}")
            self._dirty = True
        else:
            self._stream.write(f"{line}\n")
        self._stream.flush()
