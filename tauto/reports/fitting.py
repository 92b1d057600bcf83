"""What came of training a model: the losses, what was measured on the way, and which state was kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tauto.reports.report import Report

__all__ = ["FitPoint", "FittingReport", "Stop"]

Stop = Literal["finished", "early_stopping", "not_finite", "diverged", "raised", "interrupted", "out_of_time"]


@dataclass(frozen=True, slots=True)
class FitPoint:
    """One look at the model while it was trained."""

    step: int
    """Steps taken until then; 0 is the model as it was given."""
    epoch: int
    """The epoch that these steps had reached, from 1; 0 for the model as it was given."""
    loss: float | None
    """Mean training loss since the point before; None where none is known."""
    score: float | None
    """Of :attr:`FittingReport.metric`; None where there was nothing to measure it by."""


@dataclass(frozen=True, slots=True)
class FittingReport(Report):
    """One training of one model; the state of ``best_step`` is what came back."""

    kind: ClassVar[str] = "fitting"

    model: str
    method: str
    """The optimizer, such as ``AdamW``, or the name of the user's own function."""
    unit: Literal["step", "epoch", "call"]
    """What one step is: an optimizer step, or one call of the user's function."""
    metric: str
    """What the states were judged by: a metric of ``evaluate``, or ``training loss``."""
    higher_is_better: bool
    points: tuple[FitPoint, ...]
    losses: tuple[float, ...]
    """Training losses in order, each the mean over ``steps_per_loss`` steps."""
    steps_per_loss: int
    best_step: int
    best_score: float | None
    """None when nothing was measured before the training ended: the model is as it was given."""
    stopped: Stop
    reason: str
    """Why it ended, in words."""
    steps: int
    planned_steps: int
    resumed_at: int | None
    """The step from which a checkpoint was taken up; None when there was none."""
    trained_parameters: int
    learning_rate: float | None
    seed: int
    machine: str
    fingerprint: str
    device: str
    threads: int
    wall_s: float
    """With evaluations, and with what was done before a checkpoint was taken up."""
    steps_per_s: float | None
    """Over the seconds that were not spent on evaluating; None when no step was taken."""
    before_s: float = 0.0
    """Of :attr:`wall_s`, what was done before a checkpoint was taken up."""

    @property
    def rolled_back(self) -> bool:
        """Whether the state that came back is an earlier one than the last."""
        return self.best_step < self.steps

    @property
    def first_score(self) -> float | None:
        """The score of the model as it was given; None when it was not measured."""
        return next((point.score for point in self.points if point.step == 0), None)
