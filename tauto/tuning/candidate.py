"""One recipe of a search, as far as it came."""

from __future__ import annotations

from dataclasses import dataclass

from tauto.recipes import Recipe
from tauto.reports import Comparison, TrialReport
from tauto.tuning.bench import Attempt

__all__ = ["Candidate"]


@dataclass(slots=True)
class Candidate:
    """A trial so far, with what only the search needs."""

    report: TrialReport
    recipe: Recipe
    attempt: Attempt
    improves: bool = False
    prepared: bool = True
    """False for one of an earlier search: its files went with that."""

    @classmethod
    def skipped(cls, number: int, recipe: Recipe, reason: str) -> Candidate:
        """Return one that is not tried, for a ``reason``."""
        report = TrialReport(number, recipe.report(), "skipped", reason, None, None, 0.0, None)
        return cls(report, recipe, Attempt(0.0))

    @property
    def comparison(self) -> Comparison:
        """What was measured; only of one that was."""
        if self.report.comparison is None:
            raise ValueError("this candidate was not measured")
        return self.report.comparison
