"""Small measurements on this machine, of a few milliseconds each, that an expected gain rests on."""

from __future__ import annotations

import ctypes
import mmap
import sys
import time
from functools import cache

import torch

__all__ = ["can_keep_freed_memory", "operator_us", "page_fault_us"]

_BYTES = 8 * 2**20
_ROUNDS = 3
_CALLS = 300


@cache
def page_fault_us() -> float:
    """Return what it costs to get a page of memory from the system by touching it, in µs (first touch less second)."""
    return min(_fault_us() for _ in range(_ROUNDS))


def _fault_us() -> float:
    with mmap.mmap(-1, _BYTES) as block:
        view = (ctypes.c_char * _BYTES).from_buffer(block)
        began = time.perf_counter()
        ctypes.memset(view, 1, _BYTES)
        between = time.perf_counter()
        ctypes.memset(view, 2, _BYTES)
        ended = time.perf_counter()
        del view
    return max((between - began) - (ended - between), 0.0) * 1e6 / (_BYTES // mmap.PAGESIZE)


@cache
def operator_us() -> float:
    """Return what an operator costs that has next to nothing to do, in µs: the sum of two single numbers."""
    one, out = torch.ones(1), torch.empty(1)
    return min(_operator_us(one, out) for _ in range(_ROUNDS))


def _operator_us(one: torch.Tensor, out: torch.Tensor) -> float:
    began = time.perf_counter()
    for _ in range(_CALLS):
        torch.add(one, one, out=out)
    return (time.perf_counter() - began) * 1e6 / _CALLS


@cache
def can_keep_freed_memory() -> bool:
    """Return whether the C library can be told to keep freed memory (glibc can)."""
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt")
