"""What moved between two profiles, as a person reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from reports_by_hand import trained_profile, transformer_modules

from tauto import rendering
from tauto.profiling.changes import compare_profiles
from tauto.rendering.change_branches import change_branches
from tauto.reports import ModuleRow, ProfileComparison, ProfileReport

Change = Callable[[ModuleRow], ModuleRow]


def slower(row: ModuleRow) -> ModuleRow:
    """The attention of each layer takes 10 ms a call more, 50 in all; what is above it accordingly."""
    more = {"Attention": 50.0, "BertLayer": 50.0, "BertEncoder": 600.0, "TextClassifier": 600.0}
    part = next((part for kind, part in more.items() if row.kind.startswith(kind)), 0.0)
    own = 50.0 if row.kind == "Attention" else 0.0
    return replace(row, total_ms=row.total_ms + part, self_ms=row.self_ms + own)


def before() -> ProfileReport:
    return replace(trained_profile(), subject="cell [3]", modules=transformer_modules())


def compared(change: Change = lambda row: row, renamed: str = "", **phases: float) -> ProfileComparison:
    """Set ``before`` against one whose modules are changed, whose model is renamed, whose phases take that more."""
    old = before()
    roots = tuple(replace(root, name=renamed or root.name) for root in old.roots)
    new = tuple(replace(one, total_ms=one.total_ms + phases.get(one.name, 0.0)) for one in old.phases)
    modules = tuple(map(change, old.modules))
    wall = old.wall_ms + sum(phases.values())
    return compare_profiles(
        old, replace(old, subject="cell [5]", roots=roots, modules=modules, phases=new, wall_ms=wall)
    )


def test_the_title_and_the_root_bear_their_names() -> None:
    text = rendering.text(compared(renamed="quick"))
    assert text.splitlines()[0] == "What moved from cell [3] to cell [5]"
    name = before().roots[0].name
    assert f"\n{name} → quick " in text
    assert "the model " not in text
    assert f"\n{name} " in rendering.text(compared())
    same = compare_profiles(before(), before())
    assert rendering.text(same).splitlines()[0] == "Two profiles of cell [3]: what moved"


def test_alike_layers_are_one_row_of_sums() -> None:
    report = compared(slower)
    rows = [branch for top in change_branches(report.modules) for branch in top.walk()]
    layers = next(branch for branch in rows if branch.folded == 12)
    assert (layers.change.name, layers.change.path) == ("layer.0…11", "bert.encoder.layer.0…11")
    assert layers.change.moved_ms == pytest.approx(120.0)
    assert layers.children[0].change.moved_self_ms == pytest.approx(120.0)
    # sums of own times are those of all the modules
    assert sum(one.change.moved_self_ms for one in rows) == pytest.approx(
        sum(one.moved_self_ms for one in report.modules)
    )
    assert "layer.0…11 ×12" in rendering.text(report)


def test_a_layer_that_is_gone_is_not_folded_with_those_that_stay() -> None:
    old = before()
    short = tuple(row for row in old.modules if ".layer.4" not in row.path)
    rows = [
        branch for top in change_branches(compare_profiles(old, replace(old, modules=short)).modules)
        for branch in top.walk() if branch.change.match == "gone"
    ]  # fmt: skip
    assert {branch.folded for branch in rows} == {1}
    assert len(rows) == 3


def test_the_headline_names_what_moved_most_and_not_the_largest_module() -> None:
    steps = before().steps
    assert steps is not None
    printed = compared(slower, other=900.0 * steps.count, forward=120.0 * steps.count)
    assert "most of it in everything else, +900 ms" in rendering.headline(printed)
    forward = rendering.headline(compared(slower, forward=120.0 * steps.count))
    assert "most of it in the forward pass (" in forward
    assert ".bert.encoder.layer.0…11.attention.self_attention_with_relative_positions (Attention), +120 ms)" in forward


def test_what_moved_the_other_way_is_not_the_reason() -> None:
    count = before().steps.count  # type: ignore[union-attr]
    said = rendering.headline(compared(data=-20.0 * count, backward=90.0 * count, optimizer=60.0 * count))
    assert "most of it in the backward pass, +90.0 ms" in said


def test_without_steps_a_module_is_named_and_half_is_not_most() -> None:
    old = replace(before(), steps=None)
    changes = {"Attention": 50.0, "LayerNorm": 40.0, "BertLayer": 30.0}
    new = tuple(
        replace(row, self_ms=row.self_ms + changes.get(row.kind, 0.0)) if row.depth else
        replace(row, total_ms=row.total_ms + 12 * sum(changes.values()))
        for row in old.modules
    )  # fmt: skip
    said = rendering.headline(compare_profiles(old, replace(old, modules=new)))
    assert "the largest part in" in said
    assert "(Attention), +120 ms" in said
    assert "a call" in said


def test_what_is_cut_keeps_what_it_stands_below() -> None:
    """One norm moves far, its layer not at all; every other row moves a little."""
    old = before()
    unlike = tuple(
        replace(row, kind=f"Layer{row.path.rpartition('.')[2]}") if row.kind == "BertLayer" else row
        for row in old.modules
    )
    far, layer = "bert.encoder.layer.7.norm", "bert.encoder.layer.7"
    more = {far: 500.0, layer: 0.0}
    moved = tuple(replace(row, total_ms=row.total_ms + more.get(row.path, 5.0)) for row in unlike)
    report = compare_profiles(replace(old, modules=unlike), replace(old, modules=moved))
    table = rendering.text(report).split("What moved, by module")[1].splitlines()
    shown = [line.split()[0] for line in table if "Layer" in line]
    assert "layer.7" in shown
    assert len(report.modules) > 20


def test_very_deep_models_are_shown() -> None:
    old = before()
    row = old.modules[0]
    deep = (row, *(replace(row, path=".".join(["a"] * level), depth=level) for level in range(1, 1500)))
    assert "Two profiles" in rendering.text(compare_profiles(replace(old, modules=deep), replace(old, modules=deep)))
