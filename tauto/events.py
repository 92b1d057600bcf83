"""What the engine tells while it works, and how a search is asked to end. Front ends listen; the engine never prints.

Examples
--------
>>> seen = []
>>> with listening(seen.append):
...     emit(Progress(task="autotune", message="measuring", done=0.5))
>>> seen[0].done
0.5
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Listener",
    "Progress",
    "StopRequested",
    "StopSwitch",
    "check_stop",
    "emit",
    "ended_by_switch",
    "listening",
    "retold",
    "stoppable",
]


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
    standing : callable or None
        Of a search: returns how it stands, a :class:`tauto.reports.Standing`, while the listener is called.
    """

    task: str
    message: str
    done: float | None = None
    seconds_left: float | None = None
    standing: Callable[[], Any] | None = field(default=None, compare=False)


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


@contextmanager
def retold(change: Callable[[Progress], Progress]) -> Iterator[None]:
    """Send what is emitted inside the ``with`` block on to whoever listens, as ``change`` returns it."""
    listener = _listener.get()
    if listener is None:
        yield
        return
    with listening(lambda progress: listener(change(progress))):
        yield


class StopRequested(KeyboardInterrupt):
    """Raised inside a search whose :class:`StopSwitch` was pressed: it ends as by Ctrl-C, with what it found."""


class StopSwitch:
    """Ends a search from another thread; unlike Ctrl-C, so that the verb returns its result.

    Examples
    --------
    >>> switch = StopSwitch()
    >>> with stoppable(switch):
    ...     threading.Timer(60, switch.press).start()  # doctest: +SKIP
    ...     result = tauto.autotune(model, inputs=x)  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._pressed = threading.Event()
        self.obeyed = False

    @property
    def pressed(self) -> bool:
        """Whether somebody asked for the end."""
        return self._pressed.is_set()

    def press(self) -> None:
        """Ask for the end; from any thread, and again is the same as once."""
        self._pressed.set()


_switch: ContextVar[StopSwitch | None] = ContextVar("tauto_stop_switch", default=None)


@contextmanager
def stoppable(switch: StopSwitch) -> Iterator[None]:
    """Let ``switch`` end the search that runs inside the ``with`` block."""
    token = _switch.set(switch)
    try:
        yield
    finally:
        _switch.reset(token)


def check_stop() -> None:
    """Raise :class:`StopRequested` when this context's switch was pressed: once, so that the best can be confirmed."""
    switch = _switch.get()
    if switch is not None and switch.pressed and not switch.obeyed:
        switch.obeyed = True
        raise StopRequested


def ended_by_switch() -> bool:
    """Whether the search of this context ended because its switch was pressed: its verb then returns its result."""
    switch = _switch.get()
    return switch is not None and switch.obeyed
