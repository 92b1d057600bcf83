"""One recipe of a search, as far as it came."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    cut_off: bool = False
    """Whether more time, or another run, would have it come further."""

    @classmethod
    def skipped(cls, number: int, recipe: Recipe, reason: str, *, cut_off: bool = False) -> Candidate:
        """Return one that is not tried, for a ``reason``."""
        report = TrialReport(number, recipe.report(), "skipped", reason, None, None, 0.0, None)
        return cls(report, recipe, Attempt(0.0), cut_off=cut_off)

    def reject(self, reason: str, *, cut_off: bool = False) -> None:
        """Take it for no improvement, for a ``reason``."""
        self.improves = False
        self.report = replace(self.report, status="rejected", reason=reason)
        self.cut_off |= cut_off

    @property
    def comparison(self) -> Comparison:
        """What was measured; only of one that was."""
        if self.report.comparison is None:
            raise ValueError("this candidate was not measured")
        return self.report.comparison
