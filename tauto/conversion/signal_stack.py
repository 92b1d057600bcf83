"""Keeps the stack on which this thread handles signals.

OpenVINO gives the thread that compiles a model an alternate signal stack, and puts back the one before when the model
is freed. Of two models freed in another order than they were made, the second puts back the freed stack of the
first; the next Ctrl-C then ends the process with SIGSEGV.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["kept_signal_stack"]


class _Stack(ctypes.Structure):
    _fields_ = (("ss_sp", ctypes.c_void_p), ("ss_flags", ctypes.c_int), ("ss_size", ctypes.c_size_t))


@contextmanager
def kept_signal_stack() -> Iterator[None]:
    """Give this thread its alternate signal stack back after the block (Linux, where the fault was seen)."""
    if sys.platform != "linux":
        yield
        return
    libc, before = ctypes.CDLL(None), _Stack()
    libc.sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        libc.sigaltstack(ctypes.byref(before), None)
