"""The searches that run now, so that somebody else than the cell can end them: they then return what they found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tauto.events import StopSwitch, stoppable

__all__ = ["can_be_stopped", "stop_running"]

_switches: list[StopSwitch] = []


@contextmanager
def can_be_stopped() -> Iterator[None]:
    """Let :func:`stop_running` end the search that runs inside the ``with`` block."""
    switch = StopSwitch()
    _switches.append(switch)
    try:
        with stoppable(switch):
            yield
    finally:
        _switches.remove(switch)


def stop_running() -> bool:
    """Ask every running search for its end, from whatever thread; return whether there was one."""
    running = list(_switches)
    for switch in running:
        switch.press()
    return bool(running)
