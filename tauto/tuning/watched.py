"""One job run to its end, with a word now and then to whoever waits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from tauto.execution import Job, Outcome, RunningJob, executor

__all__ = ["Tick", "run_watched"]

TICK_S = 0.5
OVERDUE_S = 10.0
Tick = Callable[[], None]


def run_watched(
    job: Job | RunningJob, tick: Tick, every_s: float = TICK_S, still_s: Callable[[], float] = lambda: 0.0
) -> Outcome:
    """Run ``job`` to its end, calling ``tick`` meanwhile; whatever that raises stops the job first.

    ``still_s`` returns the seconds that it was made to stand still, which count towards no limit.
    """
    running = executor().start(job) if isinstance(job, Job) else job
    limit_s = running.job.wall_limit_s
    overdue = time.monotonic() + (limit_s or math.inf) + OVERDUE_S
    try:
        while (outcome := running.wait(every_s)) is None:
            tick()
            if time.monotonic() > overdue + still_s():  # the server enforces the limit, unless it hangs itself
                executor().close()
                overdue = math.inf
    except BaseException:
        running.kill()
        raise
    return outcome
