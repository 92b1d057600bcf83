"""What ``tauto.measure`` returns."""

from __future__ import annotations

from typing import ClassVar

from tauto.reports import Measurement
from tauto.results.result import Result

__all__ = ["MeasurementResult"]


class MeasurementResult(Result[Measurement]):
    """One model, measured."""

    noun: ClassVar[str] = "measurement"
