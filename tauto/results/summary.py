"""What ``tauto.quick_profile`` and ``tauto.measure_memory`` return."""

from __future__ import annotations

from typing import ClassVar

from tauto.reports import Footprint, SummaryReport
from tauto.results.result import Result

__all__ = ["FootprintResult", "SummaryResult"]


class SummaryResult(Result[SummaryReport]):
    """A model in a few lines."""

    noun: ClassVar[str] = "summary"


class FootprintResult(Result[Footprint]):
    """The memory of a model and of one call."""

    noun: ClassVar[str] = "memory footprint"
