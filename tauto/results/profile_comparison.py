"""What setting one profile against another returns."""

from __future__ import annotations

from typing import ClassVar

from tauto.reports import ModuleChange, ProfileComparison
from tauto.results.result import Result

__all__ = ["ProfileComparisonResult"]


class ProfileComparisonResult(Result[ProfileComparison]):
    """What moved between two profiles, by phase and by module."""

    noun: ClassVar[str] = "comparison of profiles"

    @property
    def moved(self) -> tuple[ModuleChange, ...]:
        """The modules, those whose own time changed most first."""
        return tuple(sorted(self.report.modules, key=lambda row: -abs(row.moved_self_ms)))
