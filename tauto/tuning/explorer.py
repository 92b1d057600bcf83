"""Measures one setting of a model at a time, in isolation, and remembers what it measured."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tauto.errors import ModelError, RecipeError, TautoError, TrialFailed
from tauto.events import Progress, check_stop, emit
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import Conditions, ExplorationReport, ExploredSetting
from tauto.reports.exploration import KnobValue
from tauto.tuning.bench import Bench
from tauto.tuning.knobs import SIZES, checked, knobs_of, recipe_of, resized_workload
from tauto.tuning.objective import speed_words
from tauto.workload import Workload

__all__ = ["Explorer"]

TIMING_S = 2.0
"""Seconds that one comparison may take to settle: a look, not a verdict."""
LIMIT_S = 300.0
MOST_BENCHES = 4
"""Sizes of inputs of which the original's answers stay on disk."""


class Explorer:
    """A model at settings of its own.

    Each setting is prepared and timed against the model as it is, at the same sizes of the inputs, in a process of its
    own. What was measured once is not measured again.

    Parameters
    ----------
    workload : Workload
        As it is now: a copy of the model is explored, so that it may be trained on meanwhile.
    hardware : Hardware
        This machine.
    conditions : Conditions
        Under which the model as it is runs.

    Examples
    --------
    >>> explorer = Explorer(workload, Hardware.current(), conditions)  # doctest: +SKIP
    >>> explorer.measure({"engine": "openvino", "batch": 8}).comparison.speedup  # doctest: +SKIP
    """

    def __init__(self, workload: Workload, hardware: Hardware, conditions: Conditions) -> None:
        self._workload = replace(workload, model=workload.copy_model(), factory=workload.factory)
        self._hardware, self._conditions = hardware, conditions
        self.knobs = knobs_of(workload, hardware)
        self._measured: dict[str, ExploredSetting] = {}
        self._benches: dict[str, Bench] = {}
        self._lock = threading.Lock()

    @property
    def report(self) -> ExplorationReport:
        """All that was measured so far."""
        return ExplorationReport(
            model=self._workload.name,
            conditions=self._conditions,
            quality_rule=self._workload.quality_rule,
            knobs=self.knobs,
            settings=tuple(self._measured.values()),
        )

    def recipe(self, turned: Mapping[str, Any]) -> Recipe:
        """Return the recipe of a setting.

        Raises
        ------
        InvalidArgument, RecipeError
            When there is no such setting.
        """
        return recipe_of(self.knobs, checked(self.knobs, turned))

    def measure(self, turned: Mapping[str, Any]) -> ExploredSetting:
        """Measure the model with these knobs turned, the others as they are given; from any thread, one at a time.

        What cannot be had is an answer, too: its ``reason`` says why.

        Raises
        ------
        InvalidArgument
            When there is no such knob, or it has no such value.
        StopRequested
            When the switch of this context was pressed meanwhile.
        """
        setting = checked(self.knobs, turned)
        key = json.dumps(setting, sort_keys=True)
        with self._lock:
            if key not in self._measured:
                self._measured[key] = self._try(setting)
            return self._measured[key]

    def _try(self, setting: dict[str, KnobValue]) -> ExploredSetting:
        began = time.monotonic()

        def came(reason: str, recipe: Recipe | None = None, **more: Any) -> ExploredSetting:
            told = recipe.report() if recipe is not None else None
            return ExploredSetting(setting, told, more.get("comparison"), reason, time.monotonic() - began)

        try:
            recipe = recipe_of(self.knobs, setting)
        except RecipeError as error:
            return came(str(error))
        try:
            bench = self._bench(setting)
            emit(Progress("explore", f"measuring {recipe.title or 'the model as it is'}", None))
            attempt = bench.attempt(recipe, wall_limit_s=LIMIT_S, time_cap_s=TIMING_S, tick=check_stop)
        except ModelError as error:
            return came(f"the model refuses inputs of this size: {error}", recipe)
        except (TrialFailed, TautoError, OSError) as error:
            return came(str(error), recipe)
        bench.discard(recipe)
        if attempt.comparison is None:
            return came(attempt.failure or attempt.rejected or "no reason is known", recipe)
        return came(speed_words(attempt.comparison), recipe, comparison=attempt.comparison)

    def _bench(self, setting: Mapping[str, KnobValue]) -> Bench:
        """Return where settings of these sizes are tried; the original is measured there once."""
        sizes = json.dumps({name: setting[name] for name in SIZES if name in setting})
        if (known := self._benches.pop(sizes, None)) is None:
            known = Bench(resized_workload(self._workload, setting), self._hardware)
            emit(Progress("explore", "measuring the model as it is at this size", None))
            known.measure_baseline(LIMIT_S, check_stop)
        self._benches[sizes] = known  # the one used last stands last
        while len(self._benches) > MOST_BENCHES:
            self._benches.pop(next(iter(self._benches))).workspace.close()
        return known
