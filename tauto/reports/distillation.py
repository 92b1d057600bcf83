"""What came of teaching a student."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tauto.reports.comparison import Comparison, Quality
from tauto.reports.fitting import FittingReport
from tauto.reports.pictures import WeightPicture
from tauto.reports.report import Report
from tauto.reports.tuning import TuningVerdict

__all__ = ["DistillationReport"]


@dataclass(frozen=True, slots=True)
class DistillationReport(Report):
    """A student that was taught by a teacher, and what it is beside it."""

    kind: ClassVar[str] = "distillation"

    teacher: str
    student: str
    verdict: TuningVerdict
    """``improved`` when the student may take the teacher's place: quality held, and faster, or as fast and smaller."""
    reason: str
    method: str
    """What was learned from: ``logits``, ``features``, ``attention`` or ``relational``."""
    temperature: float | None
    """None where it was left to the outputs."""
    teacher_share: float
    """Of the loss; 1 where there was no loss of labels beside it."""
    matched: tuple[str, ...]
    """Layers of the student and the teacher's that they learned from."""
    before: tuple[Quality, ...]
    """The student as it was given, beside the teacher; empty without ``evaluate``."""
    comparison: Comparison | None
    """The trained student against the teacher; None when the training brought nothing to compare."""
    training: FittingReport
    budget_s: float
    wall_s: float
    pictures: tuple[WeightPicture, ...] = ()
    """The student's largest weights, as it was given and as it was taught."""
