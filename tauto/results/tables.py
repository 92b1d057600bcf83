"""Rows of a report as CSV, for spreadsheets and other tools."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tauto.reports import DecodingReport, StudyReport, TrialReport, TuningReport

__all__ = ["csv_text", "decoding_rows", "study_rows", "tuning_rows"]

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def csv_text(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Return ``rows`` as CSV with the heading ``names``; a text that a spreadsheet would run gets an apostrophe."""
    with io.StringIO(newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_safe(name) for name in names])
        writer.writerows([_safe(row.get(name, "")) for name in names] for row in rows)
        return file.getvalue()


def _safe(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"
    return json.dumps(value) if isinstance(value, list | dict) else value


def tuning_rows(report: TuningReport) -> list[dict[str, Any]]:
    """Return one row for each trial of a search over recipes."""
    return [_trial(one) for one in report.trials]


def _trial(one: TrialReport) -> dict[str, Any]:
    row: dict[str, Any] = {"number": one.number, "recipe": one.recipe.title, "status": one.status}
    found = one.comparison
    row |= {
        "speedup": found and found.speedup,
        "speedup_low": found and found.speedup_interval.low,
        "speedup_high": found and found.speedup_interval.high,
        "latency_ms": found and found.optimized.latency.p50_ms,
        "p95_ms": found and found.optimized.latency.p95_ms,
        "size_bytes": found and found.optimized.size_bytes,
        "memory_bytes": found and found.optimized.memory.steady_bytes,
        "quality_held": found and found.quality_held,
        "quality_drop": found and found.quality_drop,
    }
    return row | {"preparation_s": one.preparation_s, "wall_s": one.wall_s, "reason": one.reason}


def study_rows(report: StudyReport) -> list[dict[str, Any]]:
    """Return one row for each trial of a study: its settings, its figures, what became of it."""
    goals = [goal.name for goal in report.goals]
    found = []
    for one in report.trials:
        settings = {f"param.{knob.name}": one.params.get(knob.name, "") for knob in report.knobs}
        values = dict(zip(goals, one.values or [""] * len(goals), strict=True))
        row = {"number": one.number, "state": one.state, **settings, **values}
        found.append(row | {"seconds": one.seconds, "reason": one.reason, "machine": one.machine})
    return found


def decoding_rows(report: DecodingReport) -> list[dict[str, Any]]:
    """Return one row for each way and length; one for a way that was not timed."""
    found = []
    for way in report.rows:
        about = {"way": way.key, "status": way.status, "reason": way.reason}
        timed = [
            {
                "tokens": one.tokens,
                "seconds": one.seconds,
                "low_s": one.low_s,
                "high_s": one.high_s,
                "tokens_per_s": one.tokens_per_s,
                "runs": one.runs,
                "estimated": one.estimated,
            }
            for one in way.lengths
        ]
        found += [about | row for row in timed or [{}]]
    return found
