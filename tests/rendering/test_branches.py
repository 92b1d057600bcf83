"""The tree of modules: folded, cut and sorted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reports_by_hand import modules, profile, trained_profile, transformer_modules

from tauto import rendering
from tauto.errors import InvalidArgument
from tauto.rendering.branches import branches, shown
from tauto.rendering.document import shortened
from tauto.rendering.phases import spark
from tauto.rendering.profile import document, table
from tauto.rendering.view import SORTS, View
from tauto.reports import ModuleRow


def names(view: View, rows: tuple[ModuleRow, ...]) -> list[str]:
    return [line.name for line in shown(rows, view)]


def test_alike_blocks_are_one_row_of_sums() -> None:
    rows = transformer_modules()
    assert names(View(), rows) == [
        "", "bert.encoder", "layer.0…11", "attention.self_attention_with_relative_positions", "norm", "classifier",
    ]  # fmt: skip
    layer = shown(rows, View())[2]
    layers = [row for row in rows if row.kind == "BertLayer"]
    assert layer.folded == 12
    assert layer.row.total_ms == pytest.approx(sum(row.total_ms for row in layers))
    assert layer.row.calls == 60
    assert layer.row.backward_ms == pytest.approx(sum(row.backward_ms or 0 for row in layers))
    assert (min(layer.each_ms), max(layer.each_ms)) == (39.0, 41.2)
    assert "layer.0…11 (39.0 ms to 41.2 ms each)" in rendering.text(table(trained_profile(), View()))


def test_two_alike_or_unlike_structures_are_not_folded() -> None:
    assert "layer.0…1" not in names(View(), transformer_modules(2))
    rows = tuple(
        replace(row, kind="Other") if row.path.endswith("layer.5.norm") else row for row in transformer_modules()
    )
    assert {"layer.0…4", "layer.5", "layer.6…11"} <= set(names(View(), rows))


def test_depth_and_order() -> None:
    rows = transformer_modules()
    assert names(View(depth=1), rows) == ["", "bert.encoder", "classifier"]
    assert len(names(View(fold=False), rows)) == len(rows)
    longest = shown(rows, View(sort="self", fold=False))
    assert [line.row.self_ms for line in longest] == sorted((row.self_ms for row in rows), reverse=True)
    assert longest[0].name.endswith("relative_positions")


def test_the_figures_of_the_tree_add_up_whatever_is_folded() -> None:
    rows = modules(60)
    for fold in (True, False):
        lines = [line for top in branches(rows, fold) for line in top.walk()]
        assert sum(line.row.self_ms for line in lines) == pytest.approx(sum(row.self_ms for row in rows))
        assert sum(line.folded for line in lines) == len(rows)


def test_a_module_of_no_owner_and_a_deep_nest_have_a_place() -> None:
    deep = [replace(transformer_modules()[0], path=".".join(["(Again)"] * depth), depth=depth) for depth in range(300)]
    assert len([line for top in branches(deep, False) for line in top.walk()]) == 300


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_is_shown(sort: str) -> None:
    page = document(profile(), View(sort=sort))  # type: ignore[arg-type]
    assert "Time by module" in rendering.text(page)


def test_a_view_that_is_none() -> None:
    with pytest.raises(InvalidArgument, match="Did you mean 'flops'"):
        View(sort="flop")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="depth: True"):
        View(depth=True)


def test_long_names_lose_their_middle_and_break_no_line() -> None:
    text = rendering.text(trained_profile())
    line = next(line for line in text.splitlines() if "BertEncoder" in line)
    assert line.count("ms") + line.count(" s ") >= 2
    assert shortened("    abcdefghijklmnop", 12) == "    ab…lmnop"
    assert shortened("abc", 12) == "abc"


@pytest.mark.parametrize(
    "words",
    [
        "33.0 s: 42 % backward pass, 28 % waiting for data; 4 findings",
        "400 optimizer steps",
        "2 to 6, 200, 201",
        "train.py:14",
        "waiting for data (the loop's",
        "Core 0",
    ],
)
def test_phases_steps_lines_and_use_are_told_in_words(words: str) -> None:
    assert words in rendering.text(trained_profile())


def test_findings_stand_by_cause_under_their_own_numbers() -> None:
    text = rendering.text(trained_profile())
    assert text.index("Findings: The model waits for data") < text.index("Findings: Good to know")
    assert "3. Activations dominate" in text
    assert "Expected: 1.38× as fast (estimated: all of the waiting hidden behind the" in text
    assert "Measured here: 1.31× (1.27–1.35) as fast: better." in text
    assert "12.0 MB more memory at the peak: worse" in text
    assert '<li value="3"' in rendering.html(trained_profile())


def test_a_spark_is_thinned_and_bounded() -> None:
    assert len(spark(range(1000))) == 40
    assert spark([]) == ""
    assert spark([0.0, 0.0]) == "▁▁"
    assert spark([2.0], 1.0) == "█"
