"""Jobs of one search that run side by side; one at a time measures, and the others stand still meanwhile."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from tauto.execution import Job, Outcome, RunningJob, executor
from tauto.execution.alone import DONE, GO, READY
from tauto.tuning.watched import Tick, run_watched

__all__ = ["Crew"]

_LOOK_S = 0.05
_MEASURING_LOOK_S = 0.2
"""Seldom: who measures has all cores."""


@dataclass(slots=True, eq=False)
class _Seat:
    """A job under way, and the seconds that it was made to stand still."""

    running: RunningJob
    still_s: float = 0.0


@dataclass(slots=True)
class Crew:
    """Runs jobs for several threads.

    A job that was given its own folder as its ``turn`` (:func:`tauto.execution.alone.alone`) measures when it is let.
    """

    _turn: threading.Lock = field(default_factory=threading.Lock)
    """Held while one measures: no other starts meanwhile."""
    _seats: list[_Seat] = field(default_factory=list)
    _stopped: bool = False

    def run(self, job: Job, tick: Tick) -> Outcome:
        """Run ``job`` to its end beside the others, calling ``tick`` meanwhile."""
        with self._turn:
            seat = _Seat(executor().start(job))
            self._seats.append(seat)
        if self._stopped:
            seat.running.kill()
        measured = False

        def look() -> None:
            nonlocal measured
            tick()
            if not measured and (job.folder / READY).exists():
                measured = True
                self._measure(seat)

        try:
            return run_watched(seat.running, look, _LOOK_S, lambda: seat.still_s)
        finally:
            self._seats.remove(seat)

    def stop(self) -> None:
        """Kill all that run, and whatever is started from now on."""
        self._stopped = True
        for seat in list(self._seats):
            seat.running.kill()

    def _measure(self, seat: _Seat) -> None:
        """Let a job measure, alone."""
        running, folder = seat.running, seat.running.job.folder
        with self._turn:
            others = [other for other in list(self._seats) if other is not seat]
            began = time.monotonic()
            try:
                for other in others:
                    other.running.pause()
                part = folder / f"{GO}.part"
                part.write_text(repr(seat.still_s))
                part.replace(folder / GO)
                while running.alive and not (folder / DONE).exists():
                    running.wait(_MEASURING_LOOK_S)
            finally:
                for other in others:
                    other.running.resume()
                    other.still_s += time.monotonic() - began
