"""Run a function on the main thread from another."""

from __future__ import annotations

import _thread
import ctypes
import threading
from collections import deque
from collections.abc import Callable

__all__ = ["run_on_main_thread"]

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
