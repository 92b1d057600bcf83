"""Keep Ctrl-C out of a few lines that must run as a whole, and run a function on the main thread from another."""

from __future__ import annotations

import _thread
import ctypes
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["held_interrupts", "run_on_main_thread"]


@contextmanager
def held_interrupts() -> Iterator[None]:
    """Let no KeyboardInterrupt rise inside the block: one that arrives meanwhile rises at its end.

    Signals reach Python on the main thread only; on others, and where Python does not handle SIGINT, nothing is done.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    arrived: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: arrived.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if arrived:
            previous(*arrived[-1])


_LATER_S = 0.005
_waiting: deque[Callable[[], None]] = deque()


def _run(_: int | None) -> int:
    try:
        while _waiting:
            _waiting.popleft()()
    except KeyboardInterrupt:  # ctypes would print it and go on; so it rises once more, when we are out of here
        threading.Timer(_LATER_S, _thread.interrupt_main).start()
    return 0


_callback = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(_run)
"""Never freed: a call may still wait in the interpreter's queue."""


def run_on_main_thread(function: Callable[[], None]) -> None:
    """Run ``function`` soon, between two Python instructions of the main thread (Py_AddPendingCall of the C API).

    A main thread that is inside one long call of a library runs it when that returns.
    """
    _waiting.append(function)
    ctypes.pythonapi.Py_AddPendingCall(_callback, None)
