"""Where the time of the cell goes, exactly, whatever is traced: a clock that is always in one phase."""

from __future__ import annotations

import threading
import time
from typing import Literal, get_args

from tauto.reports.profile import PhaseName

__all__ = ["PhaseClock"]

_Kind = PhaseName | Literal["own"]
_now = time.perf_counter_ns


class _Stack(threading.local):
    """What one thread is inside of, the innermost last."""

    def __init__(self, session: int) -> None:
        self.kinds: list[_Kind] = []
        self.other = 0 if threading.get_ident() == session else threading.get_ident()
        """Identity of the thread; 0 for that of the session."""


class PhaseClock:
    """Nanoseconds of the cell by phase; they add up to the time from :meth:`start` to :meth:`stop`.

    A thread is in the innermost phase that it entered, but everything inside ``data`` is data. The cell is in the
    phase of the session's thread, and of another thread while that one is in none. ``own`` is what the profile itself
    costs, and no phase of the cell.

    Examples
    --------
    >>> clock = PhaseClock()
    >>> clock.start()
    >>> depth = clock.enter("forward")
    >>> clock.leave(depth)
    >>> clock.stop()
    >>> clock.calls["forward"]
    1
    """

    def __init__(self) -> None:
        self.spent: dict[_Kind, int] = dict.fromkeys((*get_args(PhaseName), "own"), 0)
        self.calls: dict[_Kind, int] = dict.fromkeys((*get_args(PhaseName), "own"), 0)
        self.now: _Kind = "other"
        self.seen_ns = 0
        """When the phase last changed."""
        self.switching = False
        """Whether a thread is inside of a change, so that a call in between must wait."""
        self._stack = _Stack(threading.get_ident())
        self._top: _Kind | None = None
        self._others: dict[int, _Kind] = {}
        self._lock = threading.Lock()
        self._open = False
        self.began_ns = 0
        self._mark: int | None = None

    def start(self) -> None:
        """Begin, in no phase, on this thread."""
        self.began_ns = self.seen_ns = _now()
        self._open = True

    def stop(self) -> None:
        """Stand still from here on; what no phase claims is ``other``."""
        if not self._open:
            return
        self._change(0, None)
        self._open = False
        claimed = sum(spent for kind, spent in self.spent.items() if kind != "other")
        self.spent["other"] = max(self.seen_ns - self.began_ns - claimed, 0)  # also after an interrupt inside a change

    @property
    def wall_ns(self) -> int:
        """Time of all phases, when it has stopped: that of the cell without what the profile cost."""
        return sum(self.spent.values()) - self.spent["own"]

    def cell_ns(self) -> int:
        """Return a time that stands still while the profile itself is at work; for differences."""
        return _now() - self.spent["own"]

    def enter(self, kind: _Kind, *, counted: bool = True) -> int:
        """Enter a phase on this thread; return what :meth:`leave` is to be given."""
        stack = self._stack
        kinds = stack.kinds
        depth = len(kinds)
        self.calls[kind] += counted
        if depth and kinds[-1] == "data" and kind != "own":
            kind = "data"
        kinds.append(kind)
        self._change(stack.other, kind)
        return depth

    def leave(self, depth: int) -> None:
        """Leave all that was entered on this thread since :meth:`enter` returned ``depth``."""
        stack = self._stack
        kinds = stack.kinds
        if len(kinds) > depth:
            del kinds[depth:]
            self._change(stack.other, kinds[-1] if kinds else None)

    def top(self) -> _Kind | None:
        """Return what this thread is in."""
        kinds = self._stack.kinds
        return kinds[-1] if kinds else None

    def forward_ended(self, *, with_gradients: bool) -> None:
        """Remember that what comes now, in no phase, is the loss if a backward pass follows."""
        self._mark = self.spent["other"] if with_gradients else None

    def backward_begins(self) -> None:
        """Call the time in no phase since the last forward pass loss. In the phase of the backward pass already."""
        mark, self._mark = self._mark, None
        if mark is not None:
            loss = self.spent["other"] - mark
            self.spent["other"] -= loss
            self.spent["loss"] += loss
            self.calls["loss"] += 1

    def _change(self, other: int, kind: _Kind | None) -> None:
        with self._lock:
            self.switching = True
            if not other:
                self._top = kind
            elif kind is None or kind == "own":
                self._others.pop(other, None)
            else:
                self._others[other] = kind
            if self._open:
                moment = _now()
                self.spent[self.now] += moment - self.seen_ns
                self.seen_ns = moment
            if self._top is not None:
                self.now = self._top
            else:
                self.now = next(iter(self._others.values())) if self._others else "other"
            self.switching = False
