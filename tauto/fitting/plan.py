"""How long and how fast a model is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tauto.errors import InvalidArgument, did_you_mean

__all__ = ["Plan", "Schedule"]

Schedule = Literal["cosine", "linear", "constant"]
_NAMES = get_args(Schedule)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a training is to be, in plain numbers; ``Plan(epochs=3)`` is a whole one.

    Parameters
    ----------
    epochs, steps : int
        How long: one of the two.
    learning_rate : float
        The highest, reached after the warm-up.
    schedule : {"cosine", "linear", "constant"}
        How the learning rate falls after that; the first two end at zero.
    warmup : float
        Share of the steps over which the learning rate rises from zero.
    weight_decay : float
        Of the weights that are matrices or kernels; biases and scales have none.
    clip : float or None
        The largest norm of all gradients together; None leaves them.
    evaluate_every : int or None
        Steps between two looks at the model; None for the end of each epoch.
    patience : int or None
        Looks in turn that find nothing better before the training stops; None never stops it.
    seed : int
        Of the order of the data, dropout, and whatever else is drawn.
    checkpoint_every_s : float
        Seconds between two checkpoints, at most: they are written more often where that takes next to nothing.
    limit_s : float or None
        Seconds after which the training ends with what it has.

    Raises
    ------
    InvalidArgument
        When one of them is out of its range, or not exactly one of ``epochs`` and ``steps`` is given.
    """

    epochs: int | None = None
    steps: int | None = None
    learning_rate: float = 1e-3
    schedule: Schedule = "cosine"
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float | None = 1.0
    evaluate_every: int | None = None
    patience: int | None = None
    seed: int = 0
    checkpoint_every_s: float = 30.0
    limit_s: float | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise InvalidArgument("epochs: say how long to train, by epochs=… or by steps=… (one of the two).")
        for name in ("epochs", "steps", "evaluate_every", "patience"):
            _whole(name, getattr(self, name))
        _number("learning_rate", self.learning_rate, above=0)
        _number("clip", 1.0 if self.clip is None else self.clip, above=0)
        _number("limit_s", 1.0 if self.limit_s is None else self.limit_s, above=0)
        _number("weight_decay", self.weight_decay, least=0)
        _number("checkpoint_every_s", self.checkpoint_every_s, least=0)
        _number("warmup", self.warmup, least=0)
        if self.warmup >= 1:
            raise InvalidArgument(f"warmup: {self.warmup!r} is no share of the steps. Write one from 0 to below 1.")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise InvalidArgument(f"seed: {self.seed!r} is no seed. Write a whole number from 0.")
        if self.schedule not in _NAMES:
            close = did_you_mean(str(self.schedule), _NAMES)
            raise InvalidArgument(f"schedule: {self.schedule!r} is none of {', '.join(_NAMES)}. {close}".rstrip())

    def rate(self, step: int, total: int) -> float:
        """Return the share of the learning rate for the step after ``step`` of ``total``.

        Examples
        --------
        >>> [round(Plan(steps=4, warmup=0.25, schedule="linear").rate(step, 4), 2) for step in range(4)]
        [1.0, 1.0, 0.67, 0.33]
        """
        rising = math.ceil(self.warmup * total)
        if step < rising:
            return (step + 1) / rising
        gone = (step - rising) / max(total - rising, 1)
        return {"cosine": (1 + math.cos(math.pi * gone)) / 2, "linear": 1 - gone, "constant": 1.0}[self.schedule]


def _whole(name: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise InvalidArgument(f"{name}: {value!r} is no number of {name}. Write a whole number from 1.")


def _number(name: str, value: Any, *, above: float = -math.inf, least: float = -math.inf) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidArgument(f"{name}: {value!r} is not a finite number.")
    if value <= above or value < least:
        words = f"above {above:g}" if above > -math.inf else f"from {least:g}"
        raise InvalidArgument(f"{name}: {value!r} is out of range. Write a number {words}.")
