"""The page of a comparison of layers: what is said of it, and what is drawn."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from layers_by_hand import closed_layers, every_layers, layers, off, row

from tauto import rendering
from tauto.rendering.figures import figure
from tauto.rendering.layers import part
from tauto.reports import LayerError, LayersReport


def test_the_headline_names_where_the_error_starts_and_what_adds_most() -> None:
    assert rendering.headline(layers()) == (
        "The outputs differ by 11 % (SNR 19.2 dB); the error starts at stem.conv + stem.bn (1.0 %), "
        "stages.0 adds most (19 %)"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"worst": "stem.conv"}, "starts at stem.conv + stem.bn, which also adds most (1.0 %)"),
        ({"starts": "head", "worst": "head"}, "the error is first seen at head (11 %)"),
        ({"starts": None, "worst": None}, "none of the layers adds an error: it comes from what the model computes"),
        ({"starts": None, "worst": None, "output": off(3e-7)}, "equal but for rounding (SNR 130.5 dB); no layer adds"),
        ({"output": LayerError(None, None, None, None, 0.25, 0)}, "25 % of the values returned differ"),
        ({"output": LayerError(None, None, None, None, 0.0, 0)}, "The outputs are equal; the error starts"),
        ({"output": LayerError(-1, 1, None, 1, None, 17)}, "NaN or infinity in one model alone, in 17 values"),
        ({"closed": "fast is one piece (X)"}, "only the outputs could be compared"),
    ],
)
def test_other_headlines(change: dict[str, object], said: str) -> None:
    assert said in rendering.headline(replace(layers(), **change))


def test_the_table_has_every_layer_and_the_outputs_last() -> None:
    text = rendering.text(layers())
    found = re.findall(r"^(stem.conv \+ stem.bn|stages.0|stages.1|head|outputs) .*$", text, re.MULTILINE)
    assert found == ["stem.conv + stem.bn", "stages.0", "stages.1", "head", "outputs"]
    line = next(line for line in text.splitlines() if line.startswith("stages.0"))
    assert re.split(r"  +", line)[2:6] == ["14.0 dB", "20 %", "19 %", "1.5 %"]
    assert "Compared over  256 samples in 8 batches" in text
    assert "the layers were run as they are written" in " ".join(text.split())


def test_what_was_not_compared_is_told_with_its_reason() -> None:
    text = " ".join(rendering.text(layers()).split())
    assert "In net alone: the other has no layer of this name stages.2 (Block)" in text
    assert "In fast alone: the original has no layer of this name quant (Quantize)" in text
    assert "Own error not known 1. It takes inputs of other shapes than the original head" in text


def test_a_model_that_is_one_piece_is_said_to_be_one() -> None:
    assert "fast is one piece (OpenVINO)" in rendering.text(closed_layers())


def test_the_largest_errors_stay_where_rows_are_cut() -> None:
    rows = tuple(row(f"layer.{index}", off(0.01), off(0.01 + (index == 77)), 0.0) for index in range(300))
    text = rendering.text(replace(layers(), rows=rows, starts="layer.0", worst="layer.77"))
    assert "\nlayer.77 " in text
    assert "… and 261 more layers, largest shown" in text


@pytest.mark.parametrize("report", every_layers())
def test_it_is_drawn_layer_by_layer(report: LayersReport) -> None:
    pytest.importorskip("matplotlib")
    axes = figure(report).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == len(report.rows) + 1
    assert labels[-1] == "outputs"


def test_the_line_is_of_the_outputs_errors_and_the_points_of_the_layers_own() -> None:
    pytest.importorskip("matplotlib")
    line, points = figure(layers()).axes[0].lines
    assert list(line.get_xdata()) == pytest.approx([0.01, 0.2, 0.12, 0.11, 0.11])
    assert (list(points.get_xdata()), list(points.get_ydata())) == (pytest.approx([0.01, 0.19]), [0, 1])


def test_small_shares() -> None:
    written = [part(value) for value in (None, 0.0, 1e-9, 0.00002, 0.0314, 0.5, float("inf"))]
    assert written == ["–", "0 %", "<0.001 %", "0.0020 %", "3.1 %", "50 %", "∞"]
