"""A profile taken elsewhere: trace, CSV, DataFrame, figures."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from types import ModuleType

import pytest
import torch
from reports_by_hand import bare_profile, profile, trained_profile
from torch import nn

import tauto
from tauto.config import Settings
from tauto.errors import InvalidArgument, MissingDependency
from tauto.hardware import Ceilings, Hardware
from tauto.hardware.ceilings import save_ceilings
from tauto.profiling.changes import compare_profiles
from tauto.rendering.figures import figure
from tauto.results import ProfileResult, result_of
from tauto.results.rows import csv_of, rows_of


@pytest.fixture
def lived(tmp_path, monkeypatch) -> ProfileResult:
    monkeypatch.setenv("TAUTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    ceilings = Ceilings({"float32": 1e4}, 1e4, 1e3, "2026-01-01T00:00:00+00:00", Hardware.current().fingerprint)
    save_ceilings(Settings.current().cache, ceilings)
    return tauto.profile(nn.Sequential(nn.Linear(8, 8), nn.ReLU()), torch.zeros(4, 8), name="net")


def test_the_trace_has_modules_and_operators_in_their_order(lived, tmp_path):
    path = lived.save(tmp_path / "net.trace.json")
    events = [event for event in json.loads(path.read_text())["traceEvents"] if event["ph"] == "X"]
    root = next(event for event in events if event["name"] == "(the model) (Sequential)")
    inner = next(event for event in events if event["name"] == "0 (Linear)")
    work = next(event for event in events if event["name"] == "aten::addmm" and event["ts"] > inner["ts"])
    assert root["ts"] <= inner["ts"] <= work["ts"]
    assert work["ts"] + work["dur"] <= inner["ts"] + inner["dur"] <= root["ts"] + root["dur"]
    assert {event["cat"] for event in events} >= {"module", "operator"}
    assert root["ts"] >= 0


def test_a_report_of_the_past_has_no_trace(tmp_path):
    with pytest.raises(InvalidArgument, match="a past profile"):
        result_of(profile()).export_trace(tmp_path / "x.json")


def test_csv_holds_every_module(tmp_path):
    path = ProfileResult(trained_profile()).save(tmp_path / "modules.csv")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["path"] for row in rows] == [row.path for row in trained_profile().modules]
    assert float(rows[1]["total_ms"]) == 480.0
    assert csv_of(bare_profile()).startswith("path,kind,root")


def test_a_spreadsheet_runs_nothing_of_it():
    row = replace(profile().modules[0], kind="=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in csv_of(replace(profile(), modules=(row,)))


def test_rows_of_every_kind():
    report = trained_profile()
    assert [row["name"] for row in rows_of(report, "phases")][:2] == ["data", "forward"]
    assert rows_of(report, "findings")[0]["expected.speedup"] == 1.38
    assert rows_of(report, "ceilings")[0]["unit"] == "GFLOP/s"
    with pytest.raises(InvalidArgument, match="Did you mean 'modules'"):
        rows_of(report, "module")
    with pytest.raises(InvalidArgument, match="no memory over time"):
        rows_of(report, "memory")


def test_a_dataframe_is_made_by_pandas_or_named_missing(monkeypatch):
    stand_in = ModuleType("pandas")
    stand_in.DataFrame = list
    monkeypatch.setitem(sys.modules, "pandas", stand_in)
    assert ProfileResult(profile()).to_dataframe("operators")[0]["name"] == "aten::mkldnn_convolution"
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependency, match="pip install pandas"):
        ProfileResult(profile()).to_dataframe()


def test_every_panel_is_drawn_and_one_can_be_asked_for(lived):
    pytest.importorskip("matplotlib")
    titles = [axes.get_title(loc="left") for axes in ProfileResult(trained_profile()).plot().axes]
    assert titles[:3] == [
        "Time by module",
        "Where the wall time goes",
        "Roofline: every module under what this machine can do",
    ]
    [axes] = ProfileResult(trained_profile()).plot("roofline").axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert len(lived.plot().axes) >= 3
    with pytest.raises(InvalidArgument, match="Did you mean 'phases'"):
        ProfileResult(profile()).plot("phase")
    with pytest.raises(InvalidArgument, match="no figures for 'memory'"):
        ProfileResult(profile()).plot("memory")


def test_what_moved_is_drawn():
    pytest.importorskip("matplotlib")
    faster = replace(profile(), modules=tuple(replace(row, self_ms=row.self_ms / 2) for row in profile().modules))
    widths = [bar.get_width() for bar in figure(compare_profiles(profile(), faster)).axes[0].patches]
    assert widths
    assert all(width < 0 for width in widths)
