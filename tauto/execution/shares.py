"""What each of several trials that run side by side may take of this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass

from tauto.execution.memory import default_limit_bytes
from tauto.hardware.detection import cgroup_cpus, usable_cores

__all__ = ["Share", "shares_of"]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of this machine.

    Parameters
    ----------
    cores : tuple of int or None
        The cores, by number; None for all of them.
    parts : int
        Of so many equal parts it is one.
    """

    cores: tuple[int, ...] | None = None
    parts: int = 1

    @property
    def memory_limit_bytes(self) -> int | None:
        """Its part of what can be had now; None for a job's own default."""
        return default_limit_bytes() // self.parts if self.parts > 1 else None


def shares_of(workers: int, cores: tuple[int, ...] | None = None) -> list[Share]:
    """Return the shares of ``workers`` trials at once: equal, of a core at least, those of neighbours together.

    Parameters
    ----------
    workers : int
        How many; where there are fewer cores, some share one.
    cores : tuple of int, optional
        Those that there are; default those that this process may use.

    Examples
    --------
    >>> [share.cores for share in shares_of(2, (0, 1, 2, 3, 4))]
    [(0, 1), (2, 3)]
    >>> [share.cores for share in shares_of(3, (0, 1))]
    [(0,), (1,), (0,)]
    """
    if workers == 1:
        return [Share()]
    own = _own_cores() if cores is None else cores
    size = max(1, len(own) // workers)
    places = len(own) // size
    return [Share(tuple(own[place % places * size : (place % places + 1) * size]), workers) for place in range(workers)]


def _own_cores() -> tuple[int, ...]:
    own = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return tuple(own[: usable_cores(len(own), cgroup_cpus())])
