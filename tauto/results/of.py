"""Which result belongs to which report."""

from __future__ import annotations

from typing import Any

from tauto.errors import InvalidArgument, a_kind
from tauto.reports import (
    Comparison,
    DecodingReport,
    DistillationReport,
    ExplorationReport,
    FittingReport,
    FixReport,
    Footprint,
    LayersReport,
    MachineReport,
    Measurement,
    ProfileComparison,
    ProfileReport,
    Report,
    ScalingReport,
    SensitivityReport,
    StudiesReport,
    StudyReport,
    SummaryReport,
    TuningReport,
    WeightsReport,
)
from tauto.results.comparison import ComparisonResult
from tauto.results.decoding import DecodingResult
from tauto.results.distillation import DistillationResult
from tauto.results.exploration import ExplorationResult
from tauto.results.fitting import FittingResult
from tauto.results.fix import FixResult
from tauto.results.layers import LayersResult
from tauto.results.machine import MachineResult
from tauto.results.measurement import MeasurementResult
from tauto.results.profile import ProfileResult
from tauto.results.profile_comparison import ProfileComparisonResult
from tauto.results.result import Result
from tauto.results.scaling import ScalingResult
from tauto.results.sensitivity import SensitivityResult
from tauto.results.studies import StudiesResult
from tauto.results.study import StudyResult
from tauto.results.summary import FootprintResult, SummaryResult
from tauto.results.tuning import TuningResult
from tauto.results.weights import WeightsResult

__all__ = ["result_of"]

_RESULTS: dict[type[Report], type[Result[Any]]] = {
    Comparison: ComparisonResult,
    DecodingReport: DecodingResult,
    DistillationReport: DistillationResult,
    ExplorationReport: ExplorationResult,
    FittingReport: FittingResult,
    FixReport: FixResult,
    Footprint: FootprintResult,
    LayersReport: LayersResult,
    MachineReport: MachineResult,
    Measurement: MeasurementResult,
    ProfileComparison: ProfileComparisonResult,
    ProfileReport: ProfileResult,
    ScalingReport: ScalingResult,
    SensitivityReport: SensitivityResult,
    StudiesReport: StudiesResult,
    StudyReport: StudyResult,
    SummaryReport: SummaryResult,
    TuningReport: TuningResult,
    WeightsReport: WeightsResult,
}


def result_of(report: Report) -> Result[Any]:
    """Return the result that shows ``report``, such as one read back from the store.

    Raises
    ------
    InvalidArgument
        When no result shows such a report.
    """
    if (kind := _RESULTS.get(type(report))) is None:
        raise InvalidArgument(f"report: no result shows {a_kind(report)}.")
    return kind(report)
