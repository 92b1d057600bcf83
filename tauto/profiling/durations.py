"""Durations of very many steps in little memory."""

from __future__ import annotations

from array import array

__all__ = ["Durations"]

_KEPT = 4096


class Durations:
    """Counts all, and keeps every one, every second, every fourth, ... so that at most 4,096 are kept.

    Examples
    --------
    >>> durations = Durations()
    >>> for step in range(1, 6):
    ...     durations.add(step)
    >>> durations.count, durations.quantile(0.5)
    (5, 3)
    """

    def __init__(self) -> None:
        self.count = 0
        self._kept = array("q")
        self._every = 1

    def add(self, duration_ns: int) -> None:
        """Add one, in nanoseconds."""
        if self.count % self._every == 0:
            self._kept.append(duration_ns)
        self.count += 1
        if len(self._kept) >= _KEPT:
            del self._kept[1::2]
            self._every *= 2

    def quantile(self, share: float) -> int:
        """Return the duration that a ``share`` of the kept ones do not pass; 0 when there are none."""
        ordered = sorted(self._kept)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0
