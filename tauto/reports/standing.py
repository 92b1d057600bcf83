"""How a search stands while it runs."""

from __future__ import annotations

from dataclasses import dataclass

from tauto.reports.study import StudyReport, StudyTrial
from tauto.reports.tuning import TrialReport, TuningReport

__all__ = ["Standing", "UnderWay"]


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A trial that runs now; ``title`` is its recipe, or its knobs as they were drawn so far."""

    number: int
    title: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a search knows by now."""

    head: TuningReport | StudyReport
    """The report as it would be if the search ended now, without its trials."""
    trials: tuple[TrialReport, ...] | tuple[StudyTrial, ...]
    under_way: tuple[UnderWay, ...] = ()
    best: int | None = None
    """Number of the trial that is best so far; of several goals the head's ``front`` tells."""
