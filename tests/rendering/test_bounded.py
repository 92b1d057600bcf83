"""The JSON that travels in a notebook: strict, small, and still a report."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from reports_by_hand import HOSTILE, comparison, everything, hostile, modules, profile, recipe, trials, tuning

from tauto.rendering import bounded
from tauto.rendering.bounded import LIMIT_BYTES
from tauto.reports import Agreement, Report, report_from_dict


def size(data: object) -> int:
    return len(json.dumps(data, allow_nan=False))


@pytest.mark.parametrize("report", [*everything(), *hostile()], ids=lambda report: report.kind)
def test_a_small_report_travels_whole(report: Report) -> None:
    assert bounded(report) == report.to_dict()


def test_of_fifty_thousand_modules_the_largest_travel() -> None:
    rows = list(modules(50_000))
    rows[40_000] = replace(rows[40_000], path="the.slow.one", total_ms=160.0)
    data = bounded(replace(profile(), modules=tuple(rows)))
    assert size(data) < LIMIT_BYTES
    assert len(data["modules"]) + data["left_out"]["modules"] == 50_000
    paths = [row["path"] for row in data["modules"]]
    assert "the.slow.one" in paths
    assert paths[0] == ""
    assert report_from_dict(data).kind == "profile"


def test_a_kept_trial_travels_however_many_there_are() -> None:
    lost = replace(trials()[0], output_tail="x" * 4000)
    many = tuple(replace(lost, number=number) for number in range(5000))
    kept = replace(trials()[1], number=5000)
    data = bounded(replace(tuning(), trials=(*many, kept), winner=5000))
    assert size(data) < LIMIT_BYTES
    assert data["trials"][-1]["number"] == 5000


def test_whatever_is_long_is_cut() -> None:
    endless = HOSTILE * 20
    config = {f"{number}{endless}": endless for number in range(30)}
    big = replace(recipe("a"), steps=(replace(recipe("a").steps[0], config=config),) * 3)
    report = replace(tuning(), reason=endless * 20, trials=tuple(replace(trial, recipe=big) for trial in trials() * 4))
    data = bounded(report)
    assert size(report.to_dict()) > LIMIT_BYTES > size(data)
    assert data["reason"].endswith("…")


def test_what_is_not_finite_is_still_strict_json() -> None:
    broken = replace(comparison(), speedup=math.inf, agreement=Agreement(math.nan, math.inf, None, 3))
    data = bounded(broken)
    assert '"NaN"' in json.dumps(data, allow_nan=False)
    again = report_from_dict(data)
    assert again.speedup == math.inf  # type: ignore[attr-defined]
    assert math.isnan(again.agreement.cosine)  # type: ignore[attr-defined]
