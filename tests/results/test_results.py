"""What a verb returns: its report's fields, its forms, and ways to keep it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from decoding_by_hand import decoding
from reports_by_hand import bare_tuning, comparison, everything, machine, measurement, profile, recipe, runs, tuning
from study_by_hand import study
from torch import nn

from tauto import results
from tauto.errors import InvalidArgument
from tauto.hardware import Ceilings, Hardware
from tauto.recipes import Recipe
from tauto.reports import Report, RunsReport, TrialReport, TuningReport, report_from_dict
from tauto.results import REPORT_MIME, MachineResult, ProfileResult, Result, RunsResult, TuningResult, result_of
from tauto.results.last import forget_last

SHOWN = [report for report in everything() if not isinstance(report, RunsReport)]


@pytest.fixture(autouse=True)
def _no_result_of_before() -> Iterator[None]:
    forget_last()
    yield
    forget_last()


def real_recipe(report: TuningReport) -> TuningReport:
    """Return ``report`` with a winner whose recipe is of registered techniques."""
    made = Recipe.of("channels_last").report()
    won: TrialReport = replace(report.trials[0], status="kept", recipe=made)
    return replace(report, trials=(won, *report.trials[1:]), winner=won.number)


@pytest.mark.parametrize("report", SHOWN, ids=lambda report: report.kind)
def test_every_report_has_its_result_with_all_its_forms(report: Report) -> None:
    result = result_of(report)
    forms = result._repr_mimebundle_(include=None, exclude=None)
    assert set(forms) == {"text/plain", "text/html", REPORT_MIME}
    assert forms["text/plain"] == repr(result)
    assert forms["text/html"].startswith("<div")
    assert report_from_dict(json.loads(json.dumps(forms[REPORT_MIME], allow_nan=False))) == report


def test_the_fields_of_the_report_are_its_own() -> None:
    result = TuningResult(tuning(), nn.Identity())
    assert result.verdict == "improved"
    assert result.trials[1].recipe.title == "openvino"
    assert {"verdict", "trials", "model", "recipe", "script", "explain"} <= set(dir(result))


def test_a_wrong_name_has_close_matches() -> None:
    with pytest.raises(AttributeError, match=r"This tuning result has no 'verdikt'. Did you mean 'verdict'"):
        _ = TuningResult(tuning()).verdikt
    assert not hasattr(TuningResult(tuning()), "_repr_png_")


def test_this_machine_is_shown_with_its_ceilings() -> None:
    hardware = Hardware.current()
    ceilings = Ceilings(
        {"float32": 331.0, "int8": 4480.0}, 61.0, 12.1, "2026-11-21T09:00:00+00:00", hardware.fingerprint
    )
    text = repr(MachineResult.of(hardware, ceilings))
    assert hardware.name in text
    assert "4,480 GFLOP/s" in text
    assert "12.1 GB/s" in text
    assert "have not been measured yet" in repr(MachineResult.of(hardware))


def test_a_result_can_be_copied() -> None:
    import copy

    assert copy.copy(result_of(comparison())).speedup == comparison().speedup


def test_findings_of_a_profile() -> None:
    assert ProfileResult(profile()).findings[0].rule == "eval_missing"


def test_the_model_is_the_one_given() -> None:
    model = nn.Identity()
    assert TuningResult(tuning("kept_original"), model).model is model


def test_a_past_run_has_a_recipe_and_no_model() -> None:
    with pytest.raises(InvalidArgument, match=r"tauto.apply\(r.recipe, model"):
        _ = TuningResult(tuning()).model
    with pytest.raises(InvalidArgument, match="use your own model"):
        _ = TuningResult(tuning("kept_original")).model


def test_the_recipe_is_the_winners() -> None:
    result = TuningResult(real_recipe(tuning()))
    assert result.recipe == Recipe.of("channels_last")
    assert TuningResult(tuning("kept_original")).recipe is None
    assert TuningResult(bare_tuning()).recipe is None


def test_the_script_is_python() -> None:
    assert "def optimize" in TuningResult(real_recipe(tuning())).script()
    ast.parse(TuningResult(real_recipe(tuning())).script())
    hostile = replace(tuning("kept_original"), reason="nothing\nimport os; os.abort()")
    assert ast.parse(TuningResult(hostile).script()).body == []


@pytest.mark.parametrize("suffix", [".html", ".json", ".md", ".txt", ".HTML"])
def test_it_is_saved_by_its_suffix(suffix: str, tmp_path: Path) -> None:
    path = result_of(tuning()).save(tmp_path / f"report{suffix}")
    text = path.read_text(encoding="utf-8")
    starts = {".html": "<!doctype html>", ".json": "{", ".md": "## Autotune", ".txt": "Autotune of digits_net"}
    assert text.startswith(starts[suffix.lower()])
    if suffix == ".json":
        assert report_from_dict(json.loads(text)) == tuning()


def test_where_it_cannot_be_saved_it_says_so(tmp_path: Path) -> None:
    result = result_of(tuning())
    with pytest.raises(InvalidArgument, match=r"'.pdf' is no form of this "):
        result.save(tmp_path / "report.pdf")
    with pytest.raises(InvalidArgument, match="cannot be written"):
        result.save(tmp_path / "missing" / "report.html")


def test_a_figure() -> None:
    pytest.importorskip("matplotlib")
    assert result_of(tuning()).plot().axes


def test_last_is_the_latest() -> None:
    with pytest.raises(InvalidArgument, match="nothing has been run in this process yet"):
        results.last()
    results.set_last(result_of(measurement()))
    latest: Result[Report] = result_of(machine())
    results.set_last(latest)
    assert results.last() is latest


def test_runs_are_indexable() -> None:
    kept: dict[int, Report] = {2: tuning(), 1: profile()}
    past = RunsResult(runs(), kept.__getitem__)
    assert len(past) == 2
    assert past[0].report == tuning()
    assert past[-1].report == profile()
    assert past.run(1).report == profile()
    assert [result.report.kind for result in past] == ["tuning", "profile"]
    assert "digits_net" in repr(past)
    with pytest.raises(IndexError, match="There are 2 runs here"):
        past[2]
    with pytest.raises(InvalidArgument, match="is not a place in the list"):
        past["latest"]  # type: ignore[index]


def test_what_no_result_shows_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no result shows a RecipeReport"):
        result_of(recipe("a"))  # type: ignore[arg-type]


def test_what_holds_a_table_is_saved_as_csv_and_nothing_else_is(tmp_path):
    hostile = replace(tuning(), trials=(replace(tuning().trials[0], reason="=HYPERLINK(1)"), *tuning().trials[1:]))
    for result, first in (
        (result_of(hostile), "number,recipe,status,speedup"),
        (result_of(decoding()), "way,status,reason,tokens"),
        (result_of(study()), "number,state,param.lr,param.opt,param.width,accuracy,seconds,reason"),
    ):
        text = result.save(tmp_path / "table.csv").read_text()
        assert text.startswith(first)
        assert len(text.splitlines()) > 3
    assert "'=HYPERLINK(1)" in result_of(hostile).save(tmp_path / "hostile.csv").read_text()
    with pytest.raises(InvalidArgument, match=r"no form of this .* End the name in .html, .json, .md, .txt\.$"):
        result_of(comparison()).save(tmp_path / "pair.csv")
    with pytest.raises(InvalidArgument, match=r"\.txt, \.csv\.$"):
        result_of(study()).save(tmp_path / "study.xlsx")
