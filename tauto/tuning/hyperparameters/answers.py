"""What the search answers to one trial: values from Optuna, whether to stop, and that it is still alive."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import Trial
from sqlalchemy.exc import SQLAlchemyError

from tauto.tuning.hyperparameters.conversation import Refused
from tauto.tuning.hyperparameters.knobs import Knob
from tauto.tuning.study import beat
from tauto.tuning.study.storage import HEARTBEAT_S

__all__ = ["TrialAnswers"]

_warnings = threading.Lock()
"""What is done to warnings holds for all threads."""


class TrialAnswers:
    """Answers one trial.

    Parameters
    ----------
    trial : optuna.trial.Trial
        As the study asked for it.
    storage : RDBStorage
        Hears the heartbeats.
    look : callable
        Called several times a second while the trial runs; what it raises ends the trial.
    may_stop : bool
        Whether what it reports decides if it is stopped early.
    """

    def __init__(self, trial: Trial, storage: RDBStorage, look: Callable[[], None], *, may_stop: bool) -> None:
        self._trial, self._storage, self._look, self._may_stop = trial, storage, look, may_stop
        self._asked: dict[str, Knob] = {}
        self._reported: set[int] = set()
        self._beaten_at = 0.0

    def ask(self, knob: Knob) -> Any:
        """Return a value for ``knob``; the same one where it is asked for again."""
        before = self._asked.setdefault(knob.name, knob)
        if before != knob:
            raise Refused(
                f"asks for the knob {knob.name!r} twice, as {before.words} and as {knob.words}: give one another name"
            )
        with _warnings, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of values given beforehand; they are checked here
            try:
                value = self._suggested(knob)
            except ValueError:
                raise Refused(
                    f"changes what the knob {knob.name!r} may be, now {knob.words}: the choices and the kind of a knob "
                    "stay the same in all trials of a study. Give it another name, such as one that says for what"
                ) from None
        if not knob.holds(value):
            raise Refused(f"was to try {knob.name} = {value!r}, which is not one of {knob.words}")
        return value

    def _suggested(self, knob: Knob) -> Any:
        low: Any = knob.low
        high: Any = knob.high
        match knob.kind:
            case "float":
                return self._trial.suggest_float(knob.name, low, high, step=knob.step, log=knob.log)
            case "int":
                step: Any = knob.step or 1
                return self._trial.suggest_int(knob.name, low, high, step=step, log=knob.log)
        return self._trial.suggest_categorical(knob.name, list(knob.choices))

    def report(self, value: float, step: int) -> bool:
        """Hear how good the trial is so far, at each step once; return whether it is to stop."""
        if not self._may_stop or step in self._reported:
            return False
        self._reported.add(step)
        self._trial.report(value, step)
        return bool(self._trial.should_prune())

    def meanwhile(self) -> None:
        """Say from time to time that this process is alive."""
        self._look()
        now = time.monotonic()
        if now - self._beaten_at >= HEARTBEAT_S:
            self._beaten_at = now
            with suppress(
                StorageInternalError, SQLAlchemyError
            ):  # a storage that stays away is seen at the trial's end
                beat(self._storage, self._trial._trial_id)
