"""Frozen dataclasses of numbers: what was found. No tensors, no text for people, units in the names."""

from tauto.reports.choices import ChoicesReport, EngineOption, LayerChoice, LayerEstimate, LayerOption
from tauto.reports.comparison import Agreement, Comparison, Conditions, Interval, Quality, Verdict
from tauto.reports.compilation import Compilation, GraphBreak, ShapeTrial
from tauto.reports.decoding import (
    CacheGain,
    DecodingConfirmation,
    DecodingReport,
    DecodingRow,
    LengthRow,
    TokenAgreement,
)
from tauto.reports.distillation import DistillationReport
from tauto.reports.exploration import ExplorationKnob, ExplorationReport, ExploredSetting
from tauto.reports.fitting import FitPoint, FittingReport, Stop
from tauto.reports.fix import FixReport, FixSide
from tauto.reports.layers import LayerError, LayerRow, LayersReport, UnmatchedLayer
from tauto.reports.machine import Ceiling, MachineReport
from tauto.reports.measurement import Latency, Measurement, Memory
from tauto.reports.memory import AllocationSite, MemoryPeak, MemoryTimeline
from tauto.reports.pictures import ChannelMap, WeightPicture
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
from tauto.reports.quality_control import (
    ControlReport,
    ControlStep,
    DropConfidence,
    KeptLayer,
    KernelNote,
    ModelLayer,
)
from tauto.reports.recipe import RecipeReport, StepReport
from tauto.reports.report import Report, report_from_dict
from tauto.reports.runs import RunRow, RunsReport
from tauto.reports.scaling import Growth, ScalePoint, ScaleSeries, ScalingReport, SizeLeftOut
from tauto.reports.sensitivity import SensitivityReport, SensitivityRow, UnmeasuredLayer
from tauto.reports.standing import Standing, UnderWay
from tauto.reports.studies import StudiesReport, StudyRow
from tauto.reports.study import StudyGoal, StudyKnob, StudyReport, StudyTrial
from tauto.reports.summary import Footprint, SummaryReport, TopModule
from tauto.reports.tuning import Limit, NotTried, StudyNote, TargetNote, TrialReport, TuningReport
from tauto.reports.weights import SkippedWeight, WeightRow, WeightsReport

__all__ = [
    "Agreement",
    "AllocationSite",
    "CacheGain",
    "Ceiling",
    "ChannelMap",
    "ChoicesReport",
    "Comparison",
    "Compilation",
    "Conditions",
    "ControlReport",
    "ControlStep",
    "DecodingConfirmation",
    "DecodingReport",
    "DecodingRow",
    "DistillationReport",
    "DropConfidence",
    "EngineOption",
    "ExplorationKnob",
    "ExplorationReport",
    "ExploredSetting",
    "Finding",
    "FitPoint",
    "FittingReport",
    "Fix",
    "FixReport",
    "FixSide",
    "Footprint",
    "Gain",
    "GraphBreak",
    "Growth",
    "Interval",
    "KeptLayer",
    "KernelNote",
    "Latency",
    "LayerChoice",
    "LayerError",
    "LayerEstimate",
    "LayerOption",
    "LayerRow",
    "LayersReport",
    "LengthRow",
    "Limit",
    "LineRow",
    "MachineReport",
    "Measurement",
    "Memory",
    "MemoryPeak",
    "MemoryTimeline",
    "ModelLayer",
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
    "SensitivityReport",
    "SensitivityRow",
    "ShapeTrial",
    "SizeLeftOut",
    "SkippedWeight",
    "Standing",
    "StepReport",
    "Steps",
    "Stop",
    "StudiesReport",
    "StudyGoal",
    "StudyKnob",
    "StudyNote",
    "StudyReport",
    "StudyRow",
    "StudyTrial",
    "SummaryReport",
    "TargetNote",
    "TokenAgreement",
    "TopModule",
    "TrialReport",
    "Tried",
    "TuningReport",
    "UnderWay",
    "UnmatchedLayer",
    "UnmeasuredLayer",
    "Usage",
    "Verdict",
    "WeightPicture",
    "WeightRow",
    "WeightsReport",
    "report_from_dict",
]
