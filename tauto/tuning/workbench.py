"""Recipes measured one at a time as they are asked for, each in processes of its own and each once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.tuning.bench import Attempt, Bench
from tauto.workload import Workload

__all__ = ["Workbench"]

_one_at_a_time = threading.Lock()
"""Two measurements at once would disturb each other."""

WALL_LIMIT_S = 300.0
TIME_CAP_S = 6.0
"""That two models are timed for: what was chosen by hand is looked at again and again."""


@contextmanager
def _turn(tick: Callable[[str], None]) -> Iterator[None]:
    while not _one_at_a_time.acquire(timeout=0.5):
        tick("waiting for another measurement")
    try:
        yield
    finally:
        _one_at_a_time.release()


class Workbench:
    """Measures recipes on one workload, as it was when the first of them was asked for.

    Parameters
    ----------
    workload : Workload
        It is sent to the trials once.
    hardware : Hardware
        This machine.

    Examples
    --------
    >>> bench = Workbench(workload, Hardware.current())  # doctest: +SKIP
    >>> bench.measure(Recipe.of("int8_dynamic")).comparison.speedup  # doctest: +SKIP
    1.62
    """

    def __init__(self, workload: Workload, hardware: Hardware) -> None:
        self._workload = workload
        self._hardware = hardware
        self._bench: Bench | None = None
        self._found: dict[str, Attempt] = {}

    def known(self, recipe: Recipe) -> Attempt | None:
        """Return what was measured of ``recipe`` before; None when nothing was."""
        return self._found.get(recipe.digest)

    def measure(self, recipe: Recipe, tick: Callable[[str], None] = lambda words: None) -> Attempt:
        """Return what came of ``recipe``; one that was measured before is not measured again.

        Parameters
        ----------
        recipe : Recipe
            What to measure.
        tick : callable
            Called twice a second with what is done at that moment; what it raises stops the measuring, and rises.

        Raises
        ------
        ModelError, EvaluateError, TrialFailed
            When the original itself cannot be run in a trial.
        """
        with _turn(tick):
            if (known := self.known(recipe)) is not None:
                return known
            if self._bench is None:
                tick("measuring the original")
                bench = Bench(self._workload, self._hardware)
                bench.measure_baseline(WALL_LIMIT_S, lambda: tick("measuring the original"))
                self._bench = bench
            tick("preparing and measuring")
            found = self._bench.attempt(
                recipe,
                wall_limit_s=WALL_LIMIT_S,
                time_cap_s=TIME_CAP_S,
                tick=lambda: tick("preparing and measuring"),
            )
            self._bench.discard(recipe)  # what was prepared is not loaded
            self._found[recipe.digest] = found
            return found
