"""Memory over time on the page, and drawn."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from memory_by_hand import timeline

from tauto.rendering.document import Document, Folded, Table
from tauto.rendering.hypertext import hypertext
from tauto.rendering.memory import blocks, moments_shown, peak_place
from tauto.rendering.plain import WIDTH, plain
from tauto.reports.memory import MemoryTimeline


def page(found: MemoryTimeline) -> Document:
    return Document("Profile of cell", "line", blocks(found))


def test_the_peak_says_what_made_it() -> None:
    text = plain(page(timeline()))
    assert "backward, net.fc (AddmmBackward0), train.py:9" in text
    assert "1.90 kB of tensors on cpu" in text
    assert "1.50 kB" in text.split("Above the start")[1].splitlines()[0]
    assert "53 %" in next(line for line in text.splitlines() if line.startswith("activations"))


def test_growth_is_told_with_its_sites_or_as_nothing() -> None:
    leaking, steady = plain(page(timeline(growth=500))), plain(page(timeline()))
    assert "500 B a step over 3 steps: a leak, if it goes on" in leaking
    assert "What stays from step to step" in leaking
    assert "nothing steady over 3 steps" in steady
    assert "too few steps" in plain(page(replace(timeline(), growth_steps=0)))


def test_every_form_fits_and_is_escaped() -> None:
    hostile = "<b>\x1b[31m\n|" * 40
    site = replace(timeline().sites[0], module=hostile, line=hostile)
    found = replace(timeline(), sites=(site,) * 50, peak=replace(timeline().peak, module=hostile, line=hostile))
    text, html = plain(page(found)), hypertext(page(found))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "\x1b" not in text
    assert "<b>" not in html


def test_the_highest_moment_of_each_stretch_is_shown() -> None:
    assert moments_shown(timeline(), limit=3) == (1, 2, 5)
    assert moments_shown(timeline()) == tuple(range(6))


def test_the_table_over_time_has_a_column_for_each_category() -> None:
    folded = next(block for block in blocks(timeline()) if isinstance(block, Folded))
    table = folded.blocks[-1]
    assert isinstance(table, Table)
    assert table in blocks(timeline(), whole=True)
    assert all(len(row.cells) == len(table.columns) == 8 for row in table.rows)


def test_a_peak_outside_everything_has_its_phase() -> None:
    assert peak_place(replace(timeline().peak, module="", operator="", line="", phase="other")) == "other"


def test_it_is_drawn_stretch_by_stretch() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    from tauto.rendering.figures_memory import draw_memory

    drawn = Figure()
    axes = drawn.add_subplot()
    draw_memory(axes, timeline())
    assert len(axes.collections) == 2 * 6, "an area for each category and stretch"
    assert axes.get_legend() is not None
    with io.BytesIO() as file:
        drawn.savefig(file, format="svg")
        assert b"net.fc" in file.getvalue()
