"""Jobs that run beside each other: one counts, one measures."""

from __future__ import annotations

import os
import time

from tauto.execution.alone import alone


def count(times: int) -> list[float]:
    """Return the moments at which it counted, a hundredth of a second apart."""
    moments = []
    for _ in range(times):
        time.sleep(0.01)
        moments.append(time.monotonic())
    return moments


def measure(seconds: float, turn: str | None = None, dies: bool = False) -> list[float]:
    """Return when it began to measure and when it ended."""
    with alone(turn):
        begun = time.monotonic()
        time.sleep(seconds)
        if dies:
            os._exit(3)
        return [begun, time.monotonic()]
