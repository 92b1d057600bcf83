"""What compiling met, on the page and in sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest
from compilation_by_hand import GUARD, compilation, compiled, untraced
from reports_by_hand import tuning

from tauto import rendering
from tauto.reports import Compilation, ShapeTrial


def _words(found: Compilation) -> str:
    return rendering.explain(replace(tuning(), verb="compile", compilation=found))


def test_a_cut_has_its_line_its_cause_and_what_to_change() -> None:
    words = _words(compilation())
    assert "The compiler: 2 graphs, cut at 2 places" in words
    assert "Cut at net.py:8 (if y.mean() > 0:): an `if` asks for a tensor's value. To change: torch.where." in words
    assert "Cut at a line that torch does not name: torch's own words: something new; the whole function" in words


def test_where_nothing_is_compiled_no_code_takes_another_shape() -> None:
    words = _words(replace(compilation(), graphs=0, shapes=(ShapeTrial("automatic", 0, ()),)))
    assert "the same code took it" not in words
    assert "Another shape" not in words


def test_the_second_shape_says_what_it_was_and_what_avoids_it() -> None:
    words = _words(compilation())
    assert "float32[8, 8] after float32[4, 8] (the batch doubled, as data has no other shape)" in words
    assert f"2 graphs compiled again, since {GUARD}; with dynamic=True none is" in words
    assert "code for varying sizes takes 1.25× (1.15–1.36) the time at the example's" in words


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"shapes": (ShapeTrial("automatic", 0, ()),)}, "the same code took it"),
        (
            {"shapes": (ShapeTrial("automatic", 1, (GUARD,)), ShapeTrial("yes", 1, ("a size is a constant",)))},
            "dynamic=True does not avoid it (a size is a constant)",
        ),
        (
            {"shapes": (ShapeTrial("automatic", 1, ()), ShapeTrial("yes", 0, (), "no such size"))},
            "1 graph compiled again; dynamic=True fails: no such size",
        ),
        ({"second_shapes": (), "second_missing": "the model refuses a batch of 8"}, "none was tried, since the model"),
        (
            {"shapes": (ShapeTrial("automatic", 1, (), restless=("self.calls is another",)),)},
            "not known, as even the same call is compiled again each time, since self.calls is another",
        ),
        ({"graphs": 0}, "nothing in it can be compiled"),
        ({"graphs": 1, "breaks": ()}, "one graph, cut nowhere"),
        ({"varies": True, "dynamic": True}, "compiled for sizes that vary, as data has calls of several shapes"),
        ({"asked": False}, "compiled for the example's shapes alone, as asked"),
    ],
)
def test_every_outcome_has_its_words(change: dict[str, object], says: str) -> None:
    assert says in _words(replace(compilation(), **change))


def test_what_could_not_be_traced_says_why_and_nothing_of_shapes() -> None:
    words = _words(untraced())
    assert "not known, since the compiler cannot follow the model's Python at net.py:8: no." in words
    assert "Another shape" not in words


@pytest.mark.parametrize("form", ["text", "html", "markdown"])
def test_it_stands_in_every_form_and_nowhere_else(form: str) -> None:
    for report in compiled(tuning()):
        assert "What the compiler met" in rendering.render(report, form)
    assert "What the compiler met" not in rendering.render(tuning(), form)
