"""Frozen dataclasses of numbers: what was found. No tensors, no text for people, units in the names."""

from tauto.reports.comparison import Agreement, Comparison, Conditions, Interval, Quality, Verdict
from tauto.reports.fitting import FitPoint, FittingReport, Stop
from tauto.reports.fix import FixReport, FixSide
from tauto.reports.layers import LayerError, LayerRow, LayersReport, UnmatchedLayer
from tauto.reports.machine import Ceiling, MachineReport
from tauto.reports.measurement import Latency, Measurement, Memory
from tauto.reports.memory import AllocationSite, MemoryPeak, MemoryTimeline
from tauto.reports.profile import (
    Finding,
    Fix,
    Gain,
    LineRow,
    ModuleRow,
    OperatorRow,
    Phase,
    ProfileReport,
    RootModel,
    Steps,
    Tried,
    Usage,
)
from tauto.reports.profile_comparison import (
    ModuleChange,
    ModuleFigures,
    PhaseChange,
    ProfileComparison,
    ProfileSide,
)
from tauto.reports.recipe import RecipeReport, StepReport
from tauto.reports.report import Report, report_from_dict
from tauto.reports.runs import RunRow, RunsReport
from tauto.reports.scaling import Growth, ScalePoint, ScaleSeries, ScalingReport, SizeLeftOut
from tauto.reports.summary import Footprint, SummaryReport, TopModule
from tauto.reports.tuning import NotTried, TrialReport, TuningReport
from tauto.reports.weights import SkippedWeight, WeightRow, WeightsReport

__all__ = [
    "Agreement",
    "AllocationSite",
    "Ceiling",
    "Comparison",
    "Conditions",
    "Finding",
    "FitPoint",
    "FittingReport",
    "Fix",
    "FixReport",
    "FixSide",
    "Footprint",
    "Gain",
    "Growth",
    "Interval",
    "Latency",
    "LayerError",
    "LayerRow",
    "LayersReport",
    "LineRow",
    "MachineReport",
    "Measurement",
    "Memory",
    "MemoryPeak",
    "MemoryTimeline",
    "ModuleChange",
    "ModuleFigures",
    "ModuleRow",
    "NotTried",
    "OperatorRow",
    "Phase",
    "PhaseChange",
    "ProfileComparison",
    "ProfileReport",
    "ProfileSide",
    "Quality",
    "RecipeReport",
    "Report",
    "RootModel",
    "RunRow",
    "RunsReport",
    "ScalePoint",
    "ScaleSeries",
    "ScalingReport",
    "SizeLeftOut",
    "SkippedWeight",
    "StepReport",
    "Steps",
    "Stop",
    "SummaryReport",
    "TopModule",
    "TrialReport",
    "Tried",
    "TuningReport",
    "UnmatchedLayer",
    "Usage",
    "Verdict",
    "WeightRow",
    "WeightsReport",
    "report_from_dict",
]
