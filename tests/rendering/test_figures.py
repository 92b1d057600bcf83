"""Figures: drawn without pyplot, of whatever the report holds."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace

import pytest
from fitting_by_hand import trainings
from reports_by_hand import (
    bare_comparison,
    bare_profile,
    bare_tuning,
    comparison,
    controlled,
    hostile,
    measurement,
    profile,
    tuning,
)
from sensitivity_by_hand import every_sensitivity

from tauto.errors import InvalidArgument, MissingDependency
from tauto.rendering.figures import figure
from tauto.reports import Comparison, FittingReport, ProfileReport, Report, SensitivityReport, TuningReport

pytest.importorskip("matplotlib")
DRAWN = (ProfileReport, Comparison, TuningReport, FittingReport, SensitivityReport)
CASES = [profile(), bare_profile(), comparison(), bare_comparison(), tuning(), bare_tuning(), *trainings()]
CASES += [*every_sensitivity(), controlled()]
CASES += [report for report in hostile() if isinstance(report, DRAWN)]


@pytest.mark.parametrize("report", CASES, ids=lambda report: report.kind)
def test_it_is_drawn(report: Report) -> None:
    with io.BytesIO() as file:
        figure(report).savefig(file, format="svg")
        assert b"<svg" in file.getvalue()


def test_a_notebook_shows_it_without_pyplot() -> None:
    image = pytest.importorskip("IPython.core.formatters").PNGFormatter()(figure(tuning()))
    assert image.startswith(b"\x89PNG")


def test_every_compared_trial_has_its_place() -> None:
    axes = figure(tuning()).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["int8_static", "kept: openvino", "channels_last", "bfloat16"]


def test_the_slowest_modules_are_drawn_slowest_first() -> None:
    axes = figure(profile(5000)).axes[0]
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == sorted(widths, reverse=True)
    assert len(widths) == 20


def test_the_winners_layers_are_drawn_with_both_their_sizes() -> None:
    axes = figure(controlled(), "layers").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["stages.1", "stem"]
    assert [bar.get_width() for bar in axes.patches] == [40_000, 4_000, 40_000, 1_100]
    assert [text.get_text() for text in axes.texts] == [" float32, 50 % zero", " int8"]
    with io.BytesIO() as file:
        axes.figure.savefig(file, format="svg")


def test_of_an_engine_the_sizes_of_layers_are_not_known() -> None:
    with pytest.raises(InvalidArgument, match="sizes of layers are not known: the original was kept"):
        figure(tuning("kept_original"), "layers")


def test_a_report_without_a_figure_says_which_have_one() -> None:
    with pytest.raises(InvalidArgument, match="no figure of a measurement report"):
        figure(measurement())


def test_without_matplotlib_there_is_a_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependency, match=r"pip install 'tauto\[notebook\]'"):
        figure(replace(tuning()))


def test_neither_pages_nor_figures_touch_pyplot_or_torch() -> None:
    code = (
        "import sys; sys.path.insert(0, 'tests'); import reports_by_hand as by_hand\n"
        "from tauto import rendering; from tauto.rendering.figures import figure\n"
        "assert 'matplotlib' not in sys.modules\n"
        "rendering.html(by_hand.tuning()); figure(by_hand.tuning())\n"
        "assert not {'torch', 'matplotlib.pyplot', 'IPython'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
