"""What happened to a model while it was trained, and the best state of it."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn

from tauto.errors import EvaluateError
from tauto.fitting.judge import Judge
from tauto.fitting.state import Values, finite, put, take
from tauto.hardware import Hardware
from tauto.interrupts import held_interrupts
from tauto.reports import FitPoint, FittingReport, Stop

__all__ = ["Ended", "Track"]

WINDOW = 20
"""Losses in turn that must all be too high: one alone may be of a bad batch."""
DIVERGED = 10.0
"""Times the first loss, which the model had as it was given."""
FLOOR = 0.1
"""A first loss that counts as this at least: one near zero, of a model that is as good as trained, may well rise."""
MOST_LOSSES = 1000


class Ended(Exception):  # an outcome, not a fault
    """The training ends here, and why."""

    def __init__(self, stop: Stop, reason: str) -> None:
        super().__init__(reason)
        self.stop = stop


@dataclass(slots=True)
class Track:
    """The course of one training.

    Parameters
    ----------
    model : torch.nn.Module
        What is trained, with whatever is trained beside it.
    judged : torch.nn.Module
        The part of it that is evaluated.
    judge : Judge
        What is better.
    patience : int or None
        Looks without a better one that end it.
    unit : {"step", "epoch", "call"}
        What is counted.
    """

    model: nn.Module
    judged: nn.Module
    judge: Judge
    patience: int | None = None
    unit: Literal["step", "epoch", "call"] = "step"
    step: int = 0
    losses: list[float] = field(default_factory=list)
    points: list[FitPoint] = field(default_factory=list)
    metric: str = ""
    best: Values = field(init=False)
    best_step: int = 0
    best_score: float | None = None
    resumed_at: int | None = None
    before_s: float = 0.0
    evaluating_s: float = 0.0
    _seen: int = 0
    _stale: int = 0
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = time.monotonic()
        self.best = take(self.model)

    @property
    def wall_s(self) -> float:
        """Seconds since the beginning, those before a checkpoint among them."""
        return self.before_s + time.monotonic() - self._started

    def seconds_left(self, total: int) -> float | None:
        """Return the estimated seconds to the end of ``total`` steps; None before the first of this run."""
        taken = self.step - (self.resumed_at or 0)
        return (time.monotonic() - self._started) / taken * (total - self.step) if taken else None

    def add(self, loss: float | None) -> None:
        """Note one step, and its loss where that is known.

        Raises
        ------
        Ended
            When it is not finite, or far above what it was at the start.
        """
        self.step += 1
        if loss is None:
            return
        self.losses.append(loss)
        if not math.isfinite(loss):
            raise Ended("not_finite", f"the loss became {loss} at {self._here}")
        limit = DIVERGED * max(FLOOR, abs(self.losses[0]))
        if len(self.losses) > WINDOW and min(self.losses[-WINDOW:]) > limit:
            raise Ended("diverged", f"the loss diverged: {loss:.4g} at {self._here}, from {self.losses[0]:.4g}")

    def looked_at(self) -> bool:
        """Return whether the model was looked at after its last step."""
        return bool(self.points) and self.points[-1].step == self.step

    def look(self, epoch: int) -> None:
        """Score the model as it stands, and keep its state when it is the best.

        Raises
        ------
        Ended
            When its weights are not finite, it can no longer be evaluated, or nothing better was found for as long as
            ``patience`` lasts.
        """
        if not finite(self.model):
            raise Ended("not_finite", f"a weight became NaN or infinite at {self._here}")
        new = self.losses[self._seen :]
        loss = sum(new) / len(new) if new else None
        began = time.monotonic()
        try:
            metric, score = self.judge.score(self.judged, loss)
        except EvaluateError as error:
            if not self.step:  # it never worked
                raise
            raise Ended("raised", f"at {self._here} {error}") from error
        with held_interrupts(once=True):  # a checkpoint holds all of it or nothing
            self.metric, self.evaluating_s = metric, self.evaluating_s + time.monotonic() - began
            self.points.append(FitPoint(self.step, epoch, loss, score))
            self._seen = len(self.losses)
            self._keep(score)
        if self.patience is not None and self._stale >= self.patience:
            raise Ended("early_stopping", f"{self.metric} was no better {_times(self._stale)}")

    def _keep(self, score: float | None) -> None:
        # where nothing tells, as of a function that returns no loss, the last state counts
        better = self.judge.evaluate is None if score is None else self.judge.better(score, self.best_score)
        if better:
            self.best, self.best_step, self.best_score, self._stale = take(self.model), self.step, score, 0
        else:
            self._stale += 1

    @property
    def _here(self) -> str:
        return f"{self.unit} {self.step}"

    def roll_back(self) -> None:
        """Give the model its best state back."""
        put(self.model, self.best)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of it."""
        return {
            "step": self.step,
            "losses": self.losses,
            "points": [dataclasses.astuple(point) for point in self.points],
            "metric": self.metric,
            "best": self.best,
            "best_step": self.best_step,
            "best_score": self.best_score,
            "wall_s": self.wall_s,
            "evaluating_s": self.evaluating_s,
            "seen": self._seen,
            "stale": self._stale,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        self.step, self.losses, self.points = (
            state["step"],
            list(state["losses"]),
            [FitPoint(*point) for point in state["points"]],
        )
        self.metric, self.best = state["metric"], state["best"]
        self.best_step, self.best_score = state["best_step"], state["best_score"]
        self.before_s, self.evaluating_s = state["wall_s"], state["evaluating_s"]
        self._seen, self._stale = state["seen"], state["stale"]
        self.resumed_at = self.step

    def report(
        self,
        ended: Ended,
        *,
        name: str,
        method: str,
        planned: int,
        seed: int,
        learning_rate: float | None = None,
    ) -> FittingReport:
        """Return what was found."""
        device = next(self.judged.parameters()).device.type
        hardware = Hardware.current(device)
        every = max(1, math.ceil(len(self.losses) / MOST_LOSSES))
        parts = [self.losses[at : at + every] for at in range(0, len(self.losses), every)]
        return FittingReport(
            model=name,
            method=method,
            unit=self.unit,
            metric=self.metric or self.judge.name,
            higher_is_better=self.judge.higher,
            points=tuple(self.points),
            losses=tuple(sum(part) / len(part) for part in parts),
            steps_per_loss=every,
            best_step=self.best_step,
            best_score=self.best_score,
            stopped=ended.stop,
            reason=str(ended),
            steps=self.step,
            planned_steps=planned,
            resumed_at=self.resumed_at,
            trained_parameters=sum(each.numel() for each in self.model.parameters() if each.requires_grad),
            learning_rate=learning_rate,
            seed=seed,
            machine=hardware.summary,
            fingerprint=hardware.fingerprint,
            device=device,
            threads=torch.get_num_threads(),
            wall_s=self.wall_s,
            before_s=self.before_s,
            steps_per_s=self.step / max(self.wall_s - self.evaluating_s, 1e-9) if self.step else None,
        )


def _times(count: int) -> str:
    return "than before" if count == 1 else f"{count} times in turn"
