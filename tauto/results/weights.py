"""What ``tauto.analyze_weight_distribution`` returns."""

from __future__ import annotations

from typing import ClassVar

from tauto.reports import WeightsReport
from tauto.results.result import Result

__all__ = ["WeightsResult"]


class WeightsResult(Result[WeightsReport]):
    """What the weights of a model are like; ``plot()`` draws their histograms."""

    noun: ClassVar[str] = "weight analysis"
