"""A thread that looks at the cell again and again, at several things in their own rhythm."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence

__all__ = ["Watch"]

_SWITCH_S = 0.0005
"""Python hands a busy thread's turn to a waiting one after so long. Its 5 ms would let the watching thread in mostly
where the cell's gives its turn up by itself, inside torch: lines of plain Python were hardly ever seen (10 % of the
looks at where 90 % of the time passed)."""


class Watch:
    """Calls functions from a thread until it is stopped. Meanwhile threads switch more often.

    Parameters
    ----------
    interval_s : float
        From the end of one round to the beginning of the next.
    looks : sequence of (int, callable)
        Each function with the number of rounds after which it is called again, beginning with the first.
    """

    def __init__(self, interval_s: float, looks: Sequence[tuple[int, Callable[[], object]]]) -> None:
        self._interval_s = interval_s
        self._looks = tuple(looks)
        self._stop = threading.Event()
        self._switch_s = sys.getswitchinterval()
        self._thread = threading.Thread(target=self._run, name="tauto-watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._switch_s = sys.getswitchinterval()
        sys.setswitchinterval(min(_SWITCH_S, self._switch_s))
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the round that is under way."""
        self._stop.set()
        if sys.getswitchinterval() == min(_SWITCH_S, self._switch_s):  # else the cell has set one of its own
            sys.setswitchinterval(self._switch_s)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        count = 0
        while not self._stop.wait(self._interval_s):
            for every, look in self._looks:
                if count % every == 0:
                    look()
            count += 1
