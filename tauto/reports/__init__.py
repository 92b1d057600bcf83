"""Frozen dataclasses of numbers: what was found. No tensors, no text for people, units in the names."""

from tauto.reports.comparison import Agreement, Comparison, Conditions, Interval, Quality, Verdict
from tauto.reports.machine import Ceiling, MachineReport
from tauto.reports.measurement import Latency, Measurement, Memory
from tauto.reports.profile import Finding, ModuleRow, OperatorRow, ProfileReport, RootModel
from tauto.reports.recipe import RecipeReport, StepReport
from tauto.reports.report import Report, report_from_dict
from tauto.reports.runs import RunRow, RunsReport
from tauto.reports.tuning import NotTried, TrialReport, TuningReport

__all__ = [
    "Agreement",
    "Ceiling",
    "Comparison",
    "Conditions",
    "Finding",
    "Interval",
    "Latency",
    "MachineReport",
    "Measurement",
    "Memory",
    "ModuleRow",
    "NotTried",
    "OperatorRow",
    "ProfileReport",
    "Quality",
    "RecipeReport",
    "Report",
    "RootModel",
    "RunRow",
    "RunsReport",
    "StepReport",
    "TrialReport",
    "TuningReport",
    "Verdict",
    "report_from_dict",
]
