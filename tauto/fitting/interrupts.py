"""Let a training step end before Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["whole_step"]


@contextmanager
def whole_step() -> Iterator[None]:
    """Let a first KeyboardInterrupt rise at the end of the block; a second, of someone who will not wait, at once.

    Signals reach Python on the main thread only; on others, and where Python does not handle SIGINT, nothing is done.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    arrived: list[tuple[int, FrameType | None]] = []

    def arrive(number: int, frame: FrameType | None) -> None:
        arrived.append((number, frame))
        if len(arrived) > 1:
            arrived.clear()
            previous(number, frame)

    signal.signal(signal.SIGINT, arrive)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if arrived:
            previous(*arrived[-1])
