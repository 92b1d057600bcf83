"""Keep torch.profiler's own lines off the user's screen."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

__all__ = ["quiet_stderr"]

_NOISE = (b"USDT:", b"Memory block of unknown size was allocated before the profiling started")


@contextmanager
def quiet_stderr() -> Iterator[IO[bytes] | None]:
    """Hold back what this process writes to file descriptor 2, then write all but the profiler's lines.

    Yields the file that holds it meanwhile, or None where the process has no descriptor 2. Only for the moments
    in which the profiler starts and stops: never around the user's code.
    """
    try:
        kept = os.dup(2)
    except OSError:  # started without a stderr: there is no screen to keep clean
        yield None
        return
    with tempfile.TemporaryFile() as held:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield held
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not any(noise in line for noise in _NOISE):
                    os.write(2, line)
