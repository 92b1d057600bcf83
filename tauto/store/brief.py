"""A report in brief: what a list of runs shows of it."""

from __future__ import annotations

from dataclasses import dataclass

from tauto.rendering import headline
from tauto.reports import (
    Comparison,
    DecodingReport,
    DistillationReport,
    FixReport,
    Footprint,
    LayersReport,
    Measurement,
    ProfileComparison,
    ProfileReport,
    Report,
    ScalingReport,
    SensitivityReport,
    StudyReport,
    SummaryReport,
    TuningReport,
    WeightsReport,
)

__all__ = ["Brief", "brief"]


@dataclass(frozen=True, slots=True)
class Brief:
    """The searchable fields of one run; empty where a report does not say."""

    verb: str
    model: str
    headline: str
    verdict: str = ""
    fingerprint: str = ""
    machine: str = ""


def brief(report: Report) -> Brief:
    """Return ``report`` in brief."""
    line = headline(report)
    match report:
        case TuningReport():
            held = report.conditions
            return Brief(report.verb, report.model, line, report.verdict, held.fingerprint, held.machine)
        case ProfileReport():
            return Brief("profile", report.subject, line, "", report.fingerprint, report.machine)
        case ProfileComparison():
            pair = f"{report.after.subject} against {report.before.subject}"
            return Brief("profile --against", pair, line, "", report.after.fingerprint)
        case FixReport():
            return Brief("fix", report.finding.rule, line, report.verdict or "", report.fingerprint, report.machine)
        case Comparison():
            held, pair = report.conditions, f"{report.optimized.name} against {report.original.name}"
            return Brief("compare", pair, line, report.verdict, held.fingerprint, held.machine)
        case DecodingReport():
            held = report.conditions
            return Brief("decode", report.model, line, report.verdict, held.fingerprint, held.machine)
        case DistillationReport():
            ran, pair = report.training, f"{report.student} taught by {report.teacher}"
            return Brief("distill", pair, line, report.verdict, ran.fingerprint, ran.machine)
        case LayersReport():
            held, pair = report.conditions, f"{report.optimized} against {report.original}"
            return Brief("compare --layers", pair, line, "", held.fingerprint, held.machine)
        case Measurement():
            return Brief("measure", report.name, line)
        case WeightsReport():
            return Brief("weights", report.model, line)
        case Footprint():
            return Brief("memory", report.name, line)
        case SummaryReport():
            return Brief("quick_profile", report.name, line, "", report.fingerprint, report.machine)
        case StudyReport():
            return Brief("tune", report.subject, line, "", report.fingerprint, report.machine)
        case SensitivityReport():
            held = report.conditions
            return Brief("sensitivity", report.model, line, "", held.fingerprint, held.machine)
        case ScalingReport():
            return Brief("scale", report.model, line, "", report.fingerprint, report.machine)
    return Brief(report.kind, "", line)
