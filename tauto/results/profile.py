"""What ``tauto.profile`` returns."""

from __future__ import annotations

from typing import ClassVar

from tauto.reports import Finding, ProfileReport
from tauto.results.result import Result

__all__ = ["ProfileResult"]


class ProfileResult(Result[ProfileReport]):
    """Where time and memory go."""

    noun: ClassVar[str] = "profile"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What holds it back: each with its evidence and a line to run."""
        return self.report.findings
