"""Figures for a dark page."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_rgba
from matplotlib.text import Text
from reports_by_hand import comparison, trained_profile, tuning

from tauto.rendering.figures import figure
from tauto.rendering.figures_dark import INK, PAGE


def words(made):
    return [text for text in made.findobj(Text) if text.get_text().strip()]


@pytest.mark.parametrize("report", [comparison(), trained_profile(), tuning()], ids=lambda report: report.kind)
def test_nothing_black_is_left_on_the_dark_page(report, monkeypatch):
    light = figure(report)
    monkeypatch.setenv("TAUTO_FIGURES", "dark")
    dark = figure(report)
    dark.canvas.draw()  # ticks are made here
    assert light.get_facecolor() == to_rgba("white")
    assert dark.get_facecolor() == to_rgba(PAGE)
    assert {axes.get_facecolor() for axes in dark.axes} == {to_rgba(PAGE)}
    assert to_rgba(INK) in {to_rgba(text.get_color()) for text in words(dark)}
    assert to_rgba("black") not in {to_rgba(text.get_color()) for text in words(dark)}
    assert len(words(dark)) >= len(words(light))
