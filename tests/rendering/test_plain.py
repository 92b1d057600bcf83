"""The text of every report: in the width of a terminal, aligned, and free of control characters."""

from __future__ import annotations

import ast
import re
import textwrap
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports_by_hand import bare_tuning, comparison, everything, hostile, measurement, profile, trials, tuning
from sensitivity_by_hand import control

from tauto import rendering
from tauto.rendering.document import Cell, Code, Column, Document, Items, Row, Table
from tauto.rendering.plain import WIDTH, plain
from tauto.reports import Report

ALL = [*everything(), *hostile()]


@pytest.mark.parametrize("report", ALL, ids=lambda report: report.kind)
def test_no_line_is_wider_than_a_terminal(report: Report) -> None:
    assert max(map(len, rendering.text(report).splitlines())) <= WIDTH


@pytest.mark.parametrize("report", hostile(), ids=lambda report: report.kind)
def test_a_terminal_is_told_nothing(report: Report) -> None:
    letters = set(rendering.text(report)) - {"\n"}
    assert not [letter for letter in letters if unicodedata.category(letter) in {"Cc", "Cf", "Cs"}]


@given(
    st.lists(st.lists(st.text(max_size=150), min_size=5, max_size=5), min_size=1, max_size=6),
    st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_any_table_fits(texts: list[list[str]], numeric: list[bool]) -> None:
    columns = tuple(Column(f"c{index}", number) for index, number in enumerate(numeric))
    rows = tuple(Row(tuple(Cell(text) for text in row)) for row in texts)
    lines = plain(Document("title", "line", (Table("caption", columns, rows),))).splitlines()
    assert max(map(len, lines)) <= WIDTH


def test_the_columns_of_a_table_stand_under_their_headings() -> None:
    lines = rendering.text(comparison()).splitlines()
    head = next(line for line in lines if "Optimized" in line)
    p50 = next(line for line in lines if line.startswith("Latency, median"))
    end = head.index("Optimized") + len("Optimized")
    assert p50[:end].endswith("2.47 ms")


def test_the_page_of_a_search_that_improved() -> None:
    text = rendering.text(tuning())
    assert "✓ Improved: 3.38× faster (3.21–3.55×), 3.90× smaller, accuracy 98.1 % → 98.0 %" in text
    assert "Confirmed in a fresh process" in text
    assert "it pays for itself after 1,083 calls" in text
    assert "pip install 'tauto[onnxruntime]'" in text
    assert "r.script()" in text
    assert "%tauto_script" in text
    assert "0.10 points worse, 0.98 points allowed: held" in text
    for trial in trials():
        assert trial.recipe.title.partition(" ")[0] in text


def test_the_page_of_a_search_that_kept_the_original() -> None:
    text = rendering.text(tuning("kept_original"))
    assert "• Kept the original, because no candidate was faster by more than 2 % with the quality held" in text
    assert "r.script()" not in text


def test_the_page_of_an_infeasible_search() -> None:
    assert "✗ Infeasible: the nearest miss, openvino, is 1.8 times as fast" in rendering.text(tuning("infeasible"))


def test_the_page_of_an_interrupted_search_without_trials() -> None:
    text = rendering.text(bare_tuning())
    assert "speed only" in text
    assert "Interrupted" in text
    assert "0 of 0 candidates tried" in text


def test_a_reason_that_already_says_so_is_not_said_twice() -> None:
    report = replace(tuning("kept_original"), reason="kept the original, because nothing was faster.")
    assert rendering.headline(report) == "Kept the original, because nothing was faster"


@pytest.mark.parametrize(
    "words",
    [
        "20 of 3,600 calls",
        "1. The model ran in training mode",
        "%tauto_autotune net",
        "not counted: aten::scaled_dot_product_attention",
        "… and 14 more modules, largest shown",
        "45.0 MFLOP",
        "412 MB",
    ],
)
def test_the_page_of_a_profile(words: str) -> None:
    assert words in rendering.text(profile())


def test_what_is_unknown_is_a_dash_with_its_reason() -> None:
    live = replace(measurement(), memory=replace(measurement().memory, steady_bytes=None, reason="a live object"))
    text = rendering.text(live)
    assert re.search(r"Memory, steady +–$", text, re.M)
    assert "a live object" in text


def test_a_long_line_of_code_is_shown_whole_and_still_runs() -> None:
    saved = (
        'torch.save({"model": model.state_dict(), "optimizer": opt.state_dict(), "note": "a, b"}, folder / "last.pt")'
    )
    code = f"if step % 100 == 0:\n    {saved}"
    document = Document("t", "h", (Items("Findings", (("Prints", "", (code,)),)), Code("To keep it", code)))
    text = plain(document)
    assert max(map(len, text.splitlines())) <= WIDTH
    for shown in (text.split("Prints\n")[1].split("\n\n")[0], text.split("To keep it\n")[1]):
        assert ast.dump(ast.parse(textwrap.dedent(shown))) == ast.dump(ast.parse(code))


@pytest.mark.parametrize(
    "code", ["x" * 350, "print('" + "word " * 60 + "')", "call(" + "a, " * 80, "%tauto_fix " + "y" * 200]
)
def test_code_that_has_no_place_to_break_loses_nothing(code: str) -> None:
    lines = plain(Document("t", "h", (Code("c", code),))).split("c\n")[1].splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert "".join("".join(lines).split()) == "".join(code.split())


def test_control_that_could_judge_nothing_names_no_layers_and_no_trial() -> None:
    silent = replace(control(met=False), kept=(), trial=None, reason="did not end within 9 s")
    text = " ".join(rendering.text(replace(tuning("infeasible"), control=(silent,))).split())
    assert "with layers kept in floating point nothing could be judged: did not end within 9 s (2 trials" in text
    assert "None" not in text
