"""Candidates that are tried at once: each is waited for in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tauto.recipes import Recipe
from tauto.tuning.crew import Crew
from tauto.tuning.watched import TICK_S, Tick

if TYPE_CHECKING:
    from tauto.tuning.bench import Attempt, Bench

__all__ = ["SideBySide"]

Try = Callable[[Tick], "Attempt"]


class SideBySide:
    """Tries up to ``workers`` candidates at once; one alone is tried in this thread, where Ctrl-C arrives.

    Parameters
    ----------
    bench : Bench
        Where they are tried.
    workers : int
        How many at once.
    tick : callable
        Called now and then in this thread.
    """

    def __init__(self, bench: Bench, workers: int, tick: Tick) -> None:
        self._bench, self._workers, self._tick = bench, workers, tick
        self._crew = Crew() if workers > 1 else None
        self._pool = ThreadPoolExecutor(workers, "tauto-candidate")
        self._under_way: dict[Future[Attempt], Recipe] = {}

    def __enter__(self) -> Self:
        if self._crew is not None:
            self._bench.work_together(self._crew)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._crew is not None:
            if kind is not None:
                self._crew.stop()
            self._bench.work_together(None)
        self._pool.shutdown(cancel_futures=True)

    @property
    def recipes(self) -> list[Recipe]:
        """Those under way."""
        return list(self._under_way.values())

    @property
    def has_room(self) -> bool:
        """Whether one more may be tried."""
        return len(self._under_way) < self._workers

    def begin(self, recipe: Recipe, call: Try) -> None:
        """Try ``recipe`` by ``call``, which is given what to call meanwhile."""
        if self._crew is None:
            future: Future[Attempt] = Future()
            self._under_way[future] = recipe
            future.set_result(call(self._tick))
        else:
            self._under_way[self._pool.submit(call, _nothing)] = recipe

    def ended(self) -> Iterator[tuple[Recipe, Attempt]]:
        """Wait for some to end, and yield them with what came of them."""
        while not (done := wait(self._under_way, TICK_S, FIRST_COMPLETED).done):
            self._tick()
        for future in done:
            yield self._under_way.pop(future), future.result()


def _nothing() -> None:
    """Tell nothing: the thread that shows progress does."""
