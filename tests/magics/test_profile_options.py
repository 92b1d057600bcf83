"""How a profile is shown and set against an earlier one, as options of its magic."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tauto.rendering import view
from tauto_magics.profile import SORTS


@pytest.fixture
def ready(shell: Any, engine: Any) -> Any:
    shell.engine = engine
    shell.ip.push({"model": torch.nn.Linear(2, 2), "first": object()})
    return shell


def test_the_orders_are_those_of_the_view() -> None:
    assert view.SORTS == SORTS


def test_order_and_depth_reach_the_engine_from_a_line_and_a_cell(ready: Any) -> None:
    assert ready.run("%tauto_profile model --sort total --depth 2").success
    assert (ready.engine.keywords["sort"], ready.engine.keywords["depth"]) == ("total", 2)
    ready.run("%%tauto_profile --sort self --depth 0\n1 + 1")
    assert (ready.engine.keywords["sort"], ready.engine.keywords["depth"]) == ("self", 0)
    ready.run("%tauto_profile model")
    assert not {"sort", "depth", "against"} & set(ready.engine.keywords)


def test_an_earlier_profile_is_a_name_or_the_previous_one(ready: Any) -> None:
    assert ready.run("%tauto_profile model --against first").success
    assert ready.engine.keywords["against"] is ready.ip.user_ns["first"]
    assert ready.run("%tauto_profile model --against previous").success
    assert ready.engine.keywords["against"] == "previous"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--sort quickest", "invalid choice: 'quickest'"),
        ("--depth deep", "--depth: 'deep' is no number of levels. Write a whole number from 0."),
        ("--against last", "there is no name 'last' here"),
    ],
)
def test_a_mistake_is_one_line_before_anything_runs(ready: Any, options: str, words: str) -> None:
    assert words in ready.fails(f"%tauto_profile model {options}")
    assert not ready.engine.calls


def test_scale_is_handed_to_the_engine_and_keeps_to_itself(shell: Any, engine: Any) -> None:
    shell.run("import torch\nnet = torch.nn.Linear(4, 2)\nx = torch.zeros(1, 4)")
    assert shell.run("%tauto_profile net --inputs x --scale batch=1..4 --budget 20s").success
    assert engine.keywords["scale"] == "batch=1..4"
    assert engine.keywords["budget"] == "20s"
    assert "--scale" in shell.fails("%tauto_profile net --inputs x --budget 20s")
    assert "--scale" in shell.fails("%tauto_profile net --inputs x --scale batch=1..4 --depth 2")


def test_the_profile_of_a_line_and_of_a_cell_goes_into_the_name_that_is_given(ready: Any) -> None:
    result = ready.run("%tauto_profile model --into kept").result
    assert ready.ip.user_ns["kept"] is result
    cell = ready.run("%%tauto_profile --into of_cell\n1 + 1").result
    assert ready.ip.user_ns["of_cell"] is cell is ready.engine.sessions[-1].result


def test_what_was_seen_of_a_cell_that_raises_goes_there_too(ready: Any) -> None:
    assert not ready.run("%%tauto_profile --into partial\n1 / 0").success
    assert ready.ip.user_ns["partial"] is ready.engine.sessions[-1].result


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%tauto_profile model --into model", "read by this line"),
        ("%tauto_profile model --against first --into first", "read by this line"),
        ("%%tauto_profile --into print\n1", "a name of Python's"),
        ("%%tauto_profile --into 2fast\n1", "not a name"),
    ],
)
def test_a_name_that_would_be_lost_is_refused_before_anything_runs(ready: Any, line: str, words: str) -> None:
    assert words in ready.fails(line)
    assert not ready.engine.calls


def test_with_panel_the_magic_returns_the_panel_of_its_result(ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = object()
    monkeypatch.setattr(type(ready.engine.verb("profile")(1)), "panel", lambda self: made, raising=False)
    assert ready.run("%tauto_profile model --panel").result is made
    assert ready.run("%tauto_profile model --panel;").result is None
    assert ready.run("%tauto_profile model").result is not made
