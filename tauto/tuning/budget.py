"""Time that a search may take: hard, with the end kept back for confirming and loading the winner."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["Budget"]


@dataclass(slots=True)
class Budget:
    """A clock that started when it was made.

    Parameters
    ----------
    total_s : float
        Seconds the whole search may take.
    reserve_s : float
        Seconds at the end that no trial may use.
    clock : callable
        Seconds now; for tests.
    """

    total_s: float
    reserve_s: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _start: float = field(init=False)
    _end_s: float = field(init=False)
    _costs: list[float] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._start = self.clock()
        self._end_s = self.total_s

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self.clock() - self._start

    @property
    def left_s(self) -> float:
        """Seconds to the end, never negative."""
        return max(0.0, self._end_s - self.elapsed_s)

    @property
    def left_for_trials_s(self) -> float:
        """Seconds that a trial may still use."""
        return max(0.0, self.left_s - self.reserve_s)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Count nothing that happens inside: what is done once for a machine is no part of one search."""
        began = self.clock()
        try:
            yield
        finally:
            self._start += self.clock() - began

    def cut_to(self, seconds: float) -> None:
        """End ``seconds`` from now, if that is sooner."""
        self._end_s = min(self._end_s, self.elapsed_s + seconds)

    def spent(self, seconds: float) -> None:
        """Note what one trial cost."""
        self._costs.append(seconds)

    def seconds_left(self, trials_left: int) -> float | None:
        """Return the estimated seconds to the end of the search, from the trials so far; None before there are any.

        The budget is a limit and no estimate: a search of one trial does not use up ten minutes.
        """
        if not self._costs:
            return None
        mean = sum(self._costs) / len(self._costs)
        return min(self.left_s, trials_left * mean + self.reserve_s)
