"""The JSON form of every report: it comes back the same, and what is not one is refused in words."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports_by_hand import comparison, everything, hostile, measurement, tuning

from tauto.errors import InvalidArgument
from tauto.reports import (
    Comparison,
    Latency,
    Measurement,
    Memory,
    Quality,
    Report,
    StepReport,
    TuningReport,
    report_from_dict,
)
from tauto.reports.report import SCHEMA

floats = st.floats(allow_nan=False)
words = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
sizes = st.one_of(st.none(), st.integers(min_value=0, max_value=2**60))
latencies = st.builds(Latency, floats, floats, st.integers(0, 10**9), st.integers(0, 10**6), floats)
memories = st.builds(Memory, sizes, sizes, words)
measurements = st.builds(Measurement, words, latencies, st.integers(0, 2**60), st.integers(0, 2**60), memories)
qualities = st.builds(Quality, words, floats, floats, floats, floats, st.booleans(), st.booleans())


def through_json(report: Report) -> Report:
    return report_from_dict(json.loads(json.dumps(report.to_dict(), allow_nan=False)))


@pytest.mark.parametrize("report", [*everything(), *hostile()], ids=lambda report: report.kind)
def test_it_comes_back_the_same(report: Report) -> None:
    assert through_json(report) == report


@given(measurements, measurements, st.lists(qualities, max_size=3), floats)
def test_any_comparison_comes_back_the_same(
    one: Measurement, other: Measurement, found: list[Quality], speedup: float
) -> None:
    report = replace(comparison(), original=one, optimized=other, quality=tuple(found), speedup=speedup)
    assert through_json(report) == report


@given(st.dictionaries(words, st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), words), max_size=5))
def test_any_configuration_comes_back_the_same(config: dict[str, Any]) -> None:
    report = tuning()
    tried = report.trials[0]
    recipe = replace(tried.recipe, steps=(StepReport("a", config),))
    report = replace(report, trials=(replace(tried, recipe=recipe),))
    assert through_json(report) == report


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_is_written_as_strict_json(value: float) -> None:
    data = replace(comparison(), speedup=value).to_dict()
    again = Comparison.from_dict(json.loads(json.dumps(data, allow_nan=False)))
    assert again.speedup == pytest.approx(value, nan_ok=True)


def test_a_newer_schema_is_refused() -> None:
    data = tuning().to_dict() | {"schema": SCHEMA + 1}
    with pytest.raises(InvalidArgument, match=rf"schema {SCHEMA + 1} is newer .* Upgrade tauto"):
        report_from_dict(data)


def test_another_kind_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="'measurement' report, not a 'tuning' report"):
        TuningReport.from_dict(measurement().to_dict())


@pytest.mark.parametrize("kind", [None, "verdict", 3])
def test_an_unknown_kind_is_refused(kind: object) -> None:
    with pytest.raises(InvalidArgument, match="unknown kind"):
        report_from_dict({"kind": kind, "schema": SCHEMA})


@pytest.mark.parametrize(
    ("damage", "where"),
    [({"speedup": "fast"}, "speedup"), ({"original": None}, "original"), ({"verdict": "great"}, "verdict")],
)
def test_a_malformed_report_says_where(damage: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidArgument, match=f"the comparison report is malformed at {where}"):
        report_from_dict(comparison().to_dict() | damage)


def test_a_missing_field_says_which() -> None:
    data = comparison().to_dict()
    del data["conditions"]
    with pytest.raises(InvalidArgument, match="malformed at conditions"):
        report_from_dict(data)


@pytest.mark.parametrize("schema", [None, "1"])
def test_a_report_without_a_schema_is_refused(schema: object) -> None:
    with pytest.raises(InvalidArgument, match="schema"):
        report_from_dict(comparison().to_dict() | {"schema": schema})
