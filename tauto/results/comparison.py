"""What ``tauto.compare`` returns."""

from __future__ import annotations

from typing import ClassVar

from tauto.reports import Comparison
from tauto.results.result import Result

__all__ = ["ComparisonResult"]


class ComparisonResult(Result[Comparison]):
    """Two models, measured interleaved."""

    noun: ClassVar[str] = "comparison"
