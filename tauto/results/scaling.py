"""What ``tauto.profile(…, scale=…)`` returns."""

from __future__ import annotations

from typing import ClassVar

from tauto.reports import ScalingReport
from tauto.results.result import Result

__all__ = ["ScalingResult"]


class ScalingResult(Result[ScalingReport]):
    """Time, memory and work against size; ``plot()`` draws them."""

    noun: ClassVar[str] = "scaling"
