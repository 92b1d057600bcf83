"""What the engine tells while it works. Front ends listen; the engine never prints.

Examples
--------
>>> seen = []
>>> with listening(seen.append):
...     emit(Progress(task="autotune", message="measuring", done=0.5))
>>> seen[0].done
0.5
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Listener", "Progress", "emit", "listening"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of something that takes longer than two seconds.

    Parameters
    ----------
    task : str
        The verb at work, such as ``"autotune"``.
    message : str
        What is happening now, in words for a person.
    done : float or None
        Share of the work done, 0 to 1; None when it is not known.
    seconds_left : float or None
        Estimated seconds until the end, from what was measured so far.
    """

    task: str
    message: str
    done: float | None = None
    seconds_left: float | None = None


Listener = Callable[[Progress], None]

_listener: ContextVar[Listener | None] = ContextVar("tauto_listener", default=None)


def emit(progress: Progress) -> None:
    """Hand ``progress`` to whoever listens in this context; nobody listening is fine."""
    if listener := _listener.get():
        listener(progress)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send what is emitted inside the ``with`` block to ``listener``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
