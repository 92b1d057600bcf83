"""Keep Ctrl-C out of a few lines that must run as a whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["held_interrupts"]


@contextmanager
def held_interrupts(*, once: bool = False) -> Iterator[None]:
    """Let no KeyboardInterrupt rise inside the block: one that arrives meanwhile rises at its end.

    Signals reach Python on the main thread only; on others, and where Python does not handle SIGINT, nothing is done.

    Parameters
    ----------
    once : bool
        Whether a second one, of someone who will not wait, rises at once.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    arrived: list[tuple[int, FrameType | None]] = []

    def arrive(number: int, frame: FrameType | None) -> None:
        arrived.append((number, frame))
        if once and len(arrived) > 1:
            arrived.clear()
            previous(number, frame)

    signal.signal(signal.SIGINT, arrive)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if arrived:
            previous(*arrived[-1])
