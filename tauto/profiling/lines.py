"""Where the thread of a cell is found, looked at again and again from another thread."""

from __future__ import annotations

import dis
import gc
import linecache
import operator
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any, cast

from tauto.profiling.userlines import user_frame
from tauto.reports.profile import LineRow, PhaseName
from tauto.workload.user_lines import title

__all__ = ["LineWatch"]

_ROWS = 20
_PLACES = 5000
"""Kept apart while watching; a cell with more lines than that loses the rest."""
_FREE_NS = 10_000_000
_SHARE = 0.0025
"""Of the time of the cell; so much on top of the free time may go into looking, which takes some 0.1 ms each time."""
_MOST_NS = 1_000_000
"""A look that took longer was held up, by the garbage collector or another thread."""

_Seen = tuple[str, int, PhaseName, bool]


class LineWatch:
    """Adds up at which line of the user's own code a thread is, and in which phase.

    Each look stands for the time since the one before; in a long cell they become rarer.

    Parameters
    ----------
    thread : int
        Its identity, as :func:`threading.get_ident` gives it.
    phase : callable
        Returns the phase at the moment; None while the profile itself is at work, which is not counted.
    """

    def __init__(self, thread: int, phase: Callable[[], PhaseName | None]) -> None:
        self.looks = 0
        self._thread = thread
        self._phase = phase
        self._seen: Counter[_Seen] = Counter()
        self._began_ns = self._looked_ns = 0
        self._whole_ns = self._spent_ns = 0

    def look(self) -> None:
        """Look once, from any other thread, or not when looking has cost its share."""
        began = time.perf_counter_ns()
        self._began_ns = self._began_ns or began
        if self._spent_ns > _FREE_NS + _SHARE * (began - self._began_ns):
            return
        self._look(began - (self._looked_ns or began))
        self._looked_ns = began
        self._spent_ns += min(time.perf_counter_ns() - began, _MOST_NS)

    def _look(self, passed_ns: int) -> None:
        phase = self._phase()
        frame = _frame_of(self._thread)
        if phase is None or frame is None:
            return
        self.looks += 1
        self._whole_ns += passed_ns
        found = user_frame(frame)
        line = None if found is None else found.f_lineno  # None between two lines as well
        if found is None or line is None:
            return
        waits = phase in ("data", "other") and _is_in_iterator(found)
        place = (found.f_code.co_filename, line, phase, waits)
        if place in self._seen or len(self._seen) < _PLACES:
            self._seen[place] += passed_ns

    def rows(self) -> tuple[LineRow, ...]:
        """Return the lines that took longest, at most twenty."""
        rows = []
        for (file, line, phase, waits), taken_ns in self._seen.most_common(_ROWS):
            source = linecache.getline(file, line).strip()
            rows.append(LineRow(title(file), line, source, taken_ns / max(self._whole_ns, 1), phase, waits))
        return tuple(rows)


def _frame_of(thread: int) -> FrameType | None:
    """Return the frame that ``thread`` is in, without the garbage collector at work meanwhile.

    Before 3.11.9 Python holds a lock of its own there, and making a frame may start a collection that waits for that
    lock: the process stands still for good (CPython gh-106883). The three calls are made by one call in C, between
    which no other thread runs. No name is bound to what they return: it has the frame of this very function, and such
    a ring would keep frames of the cell alive after they have ended.
    """
    if sys.version_info >= (3, 11, 9) or not gc.isenabled():
        return sys._current_frames().get(thread)
    calls: tuple[Callable[[], Any], ...] = (gc.disable, sys._current_frames, gc.enable)
    return cast("FrameType | None", tuple(map(operator.call, calls))[1].get(thread))


@lru_cache(maxsize=1024)
def _loop_heads(code: CodeType) -> frozenset[int]:
    return frozenset(op.offset for op in dis.get_instructions(code) if op.opname.startswith("FOR_ITER"))


def _is_in_iterator(frame: FrameType | None) -> bool:
    """Return whether ``frame``, or one of the user's further out, asks an iterator of a ``for`` for its next value."""
    while frame is not None:
        if frame.f_lasti in _loop_heads(frame.f_code):
            return True
        frame = user_frame(frame.f_back)
    return False
