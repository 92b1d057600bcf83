"""What ``tauto.fix`` returns."""

from __future__ import annotations

from typing import ClassVar

from tauto.reports import FixReport
from tauto.results.result import Result

__all__ = ["FixResult"]


class FixResult(Result[FixReport]):
    """A finding's fix, tried: the verdict, both sides measured, and the lines that keep it."""

    noun: ClassVar[str] = "tried fix"

    def script(self) -> str:
        """Return the plain Python that does the fix, to put into the cell."""
        return self.report.finding.python
