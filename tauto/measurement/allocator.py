"""The C library's allocator as a long-lived process has it.

A fresh process gives freed memory back to the system and faults it in again at the next call: eager PyTorch on a small
convolutional net took 1,216 page faults a call and 1.5 times as long as in a notebook's kernel, which keeps what it
freed. Against such an original a candidate would look better than it is where it will be used.
"""

from __future__ import annotations

import ctypes
import sys

__all__ = ["LONG_LIVED", "keep_freed_memory"]

LONG_LIVED = "eval() under inference_mode(), freed memory kept as in a long-lived process"
"""How comparisons in trials are run, for the report."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_LARGEST_MMAP_THRESHOLD = 32 * 2**20  # glibc takes no larger one
_KEPT = 2**30


def keep_freed_memory() -> None:
    """Have this process keep freed memory for its next call, up to 1 GB (glibc; elsewhere nothing is changed)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:  # musl has none
        mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
        mallopt(_TRIM_THRESHOLD, _KEPT)
