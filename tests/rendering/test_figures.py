"""Figures: drawn without pyplot, of whatever the report holds."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace

import pytest
from decoding_by_hand import every_decoding
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
from study_by_hand import infeasible, seeded, several, study

from tauto.errors import InvalidArgument, MissingDependency
from tauto.rendering.figures import figure
from tauto.reports import (
    Comparison,
    DecodingReport,
    FittingReport,
    ProfileReport,
    Report,
    SensitivityReport,
    StudyKnob,
    StudyTrial,
    TuningReport,
)

pytest.importorskip("matplotlib")
DRAWN = (ProfileReport, Comparison, TuningReport, FittingReport, SensitivityReport, DecodingReport)
CASES = [profile(), bare_profile(), comparison(), bare_comparison(), tuning(), bare_tuning(), *trainings()]
CASES += [*every_sensitivity(), *every_decoding(), controlled(), study(), several(), infeasible(), seeded()]
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


def test_parallel_coordinates_name_every_option_and_every_goal() -> None:
    trials = tuple(StudyTrial(at, "complete", {"kind": kind}, (at, -at)) for at, kind in enumerate("pqrs"))
    knob = StudyKnob("kind", "p, q, r, s", False, 0.5)
    report = replace(several(), trials=trials, knobs=(knob,), front=(0, 3))
    axes = figure(report, "coordinates").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["p\nkind", "0\naccuracy", "−3\nms"]
    assert [text.get_text() for text in axes.texts] == ["s", "q", "r", "3", "0"]
    orange = [line.get_color() for line in axes.lines if line.get_color() == "#d9622b"]
    assert len(orange) == len(report.front)
    assert figure(report, "importance").axes[0].get_xlabel() == "importance for accuracy, estimated by fANOVA"


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


def test_all_that_there_is_to_draw_stands_one_below_the_other() -> None:
    made = figure(controlled())
    titles = [axes.get_title(loc="left") for axes in made.axes]
    assert len(made.subfigs) == 5
    assert "What stayed of each layer" in titles
    assert len(figure(tuning()).axes) == 1  # trials alone


def test_weights_are_drawn_before_and_after_and_their_zeros_told() -> None:
    [axes] = figure(controlled(), "weights").axes
    assert axes.get_xlabel() == "zeros: 0 % before, 50 % after"
    assert [list(stairs.get_data().values) for stairs in axes.patches] == [[1, 30, 60, 36, 1], [1, 30, 2, 30, 1]]


def test_zeros_are_drawn_as_a_whole_and_one_by_one() -> None:
    whole, corner = figure(controlled(), "zeros").axes
    assert whole.images[0].get_array().tolist()[1][:3] == [0.5, 1.0, 0.5]
    assert corner.images[0].get_array().tolist()[0] == [0, 1, 0, 1, 1, 0, 0, 1]
    assert corner.get_title(loc="left") == "16 × 8 of 16 × 8, two of every four"


def test_of_each_layer_a_strip_tells_which_channels_stayed() -> None:
    [axes] = figure(controlled(), "channels").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["stem", "wide"]
    assert axes.images[0].get_array().tolist() == [[1, 0, 0, 1, 0, 0, 0, 1]]
    assert [text.get_text() for text in axes.texts] == ["3 of 8 channels", "64 of 128 channels"]


@pytest.mark.parametrize("what", ["weights", "zeros", "channels"])
def test_what_there_is_no_figure_of_says_why(what: str) -> None:
    with pytest.raises(InvalidArgument, match="the original was kept"):
        figure(tuning("kept_original"), what)


def test_a_figure_that_is_not_known_names_those_that_are() -> None:
    with pytest.raises(InvalidArgument, match=r"no figure of 'weight'\. Did you mean 'weights'"):
        figure(controlled(), "weight")


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
