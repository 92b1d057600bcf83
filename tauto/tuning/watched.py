"""One job run to its end, with a word now and then to whoever waits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from tauto.execution import Job, Outcome, executor

__all__ = ["Tick", "run_watched"]

TICK_S = 0.5
OVERDUE_S = 10.0
Tick = Callable[[], None]


def run_watched(job: Job, tick: Tick) -> Outcome:
    """Run ``job`` to its end, calling ``tick`` meanwhile; whatever that raises stops the job first."""
    running = executor().start(job)
    overdue = time.monotonic() + (job.wall_limit_s or math.inf) + OVERDUE_S
    try:
        while (outcome := running.wait(TICK_S)) is None:
            tick()
            if time.monotonic() > overdue:  # the server enforces the limit, unless it hangs itself
                executor().close()
                overdue = math.inf
    except BaseException:
        running.kill()
        raise
    return outcome
