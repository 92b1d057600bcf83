"""Keep torch.profiler's own lines off the user's screen."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_stderr"]

_NOISE = (b"USDT:", b"Memory block of unknown size was allocated before the profiling started")


@contextmanager
def quiet_stderr() -> Iterator[int | None]:
    """Hold back what this process writes to file descriptor 2, then write all but the profiler's lines.

    Yields the descriptor that holds it meanwhile, or None where the process has no descriptor 2. Only for the moments
    in which the profiler starts and stops: never around the user's code.
    """
    try:
        kept = os.dup(2)
    except OSError:  # started without a stderr: there is no screen to keep clean
        yield None
        return
    held = _nameless_file()
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(held, 2)
        try:
            yield held
        finally:
            os.dup2(kept, 2)
    finally:
        os.close(kept)
        _pass_on(held)


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):  # Linux: 30 times as fast as a file in the temporary folder
        return os.memfd_create("tauto-stderr")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _pass_on(held: int) -> None:
    os.lseek(held, 0, os.SEEK_SET)
    with open(held, "rb") as file:
        for line in file:
            if not any(noise in line for noise in _NOISE):
                os.write(2, line)
