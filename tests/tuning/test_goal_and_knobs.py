"""What a search is for, what a knob may be, and ranges for common names."""

from __future__ import annotations

import inspect
import json
import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tauto.errors import InvalidArgument
from tauto.tuning.hyperparameters import Constraint, Goal, Knob, suggest
from tauto.tuning.hyperparameters.account import expected_random, talkative
from tauto.tuning.hyperparameters.search_space import search_space

finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)


@given(names, st.sampled_from(["<=", ">="]), st.floats(-1e6, 1e6))
def test_a_constraint_is_read_as_it_is_written(name: str, sense: str, limit: float) -> None:
    read = Constraint.parse(f" {name} {sense}{limit!r} ")
    assert (read.name, read.sense, read.limit) == (name, sense, limit)
    assert read.violation(limit) == 0


@given(st.text(max_size=30))
def test_any_text_is_a_constraint_or_refused_in_words(text: str) -> None:
    try:
        assert math.isfinite(Constraint.parse(text).limit)
    except InvalidArgument as error:
        assert "Write such as" in str(error)


@given(names, finite, finite, st.booleans())
def test_a_range_comes_back_from_json_or_is_refused(name: str, low: float, high: float, log: bool) -> None:
    try:
        knob = Knob.ranged("float", name, low, high, log=log)
    except InvalidArgument:
        assert low > high or (log and low <= 0)
        return
    assert Knob.from_dict(json.loads(json.dumps(knob.to_dict()))) == knob
    assert knob.holds(low)
    assert knob.holds(high)


@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(-9, 9), names), min_size=1, max_size=5, unique=True))
def test_choices_come_back_from_json(choices: list[Any]) -> None:
    knob = Knob.chosen("which", choices)
    assert Knob.from_dict(json.loads(json.dumps(knob.to_dict()))) == knob
    assert all(map(knob.holds, choices))


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: suggest.float("lr", 1, 0), "low is 1, above high"),
        (lambda: suggest.float("lr", 0, 1, log=True), "needs a range above 0"),
        (lambda: suggest.float("lr", math.nan, 1), "no finite number"),
        (lambda: suggest.int("n", 1.5, 3), "Write a whole number"),
        (lambda: suggest.int("n", 1, 3, step=0), "step is 0"),
        (lambda: suggest.categorical("opt", [nn.ReLU]), "Choose among names"),
        (lambda: suggest.categorical("opt", []), "there are no choices"),
        (lambda: suggest.categorical("opt", "adam"), "Write a list"),
        (lambda: suggest.categorical("opt", [1, True]), "is there twice"),
        (lambda: suggest.float("", 0, 1), "the name of a knob"),
        (lambda: suggest.float("lr", 0, 1), "no search is running"),
    ],
)
def test_a_knob_that_cannot_be_turned_says_what_to_write(ask: Any, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        ask()


def test_fixed_values_answer_the_knobs() -> None:
    with suggest.fixed({"lr": 0.5, "opt": "sgd"}):
        assert suggest.float("lr", 0, 1) == 0.5
        assert suggest.categorical("opt", ["adam", "sgd"]) == "sgd"
        with pytest.raises(InvalidArgument, match=r"'lrr' has no value. Did you mean 'lr'"):
            suggest.float("lrr", 0, 1)
        with pytest.raises(InvalidArgument, match="is no value of 'lr'"):
            suggest.float("lr", 0.6, 1)
    with pytest.raises(InvalidArgument, match="no search is running"):
        suggest.float("lr", 0, 1)


@pytest.mark.parametrize(
    ("direction", "constraints", "returned", "values"),
    [
        ("maximize", (), 0.5, (0.5,)),
        ("maximize", "mb <= 5", {"acc": 0.5, "mb": 4.0}, (0.5,)),
        (["maximize", "minimize"], (), [0.5, 2.0], (0.5, 2.0)),
        ("acc=maximize,ms=minimize", (), {"ms": 2.0, "acc": 0.5}, (0.5, 2.0)),
    ],
)
def test_what_an_objective_returns_is_read_by_the_goal(
    direction: Any, constraints: Any, returned: Any, values: tuple[float, ...]
) -> None:
    assert Goal.parse(direction, constraints).settle(returned).values == values


@pytest.mark.parametrize(
    ("direction", "constraints", "returned", "why"),
    [
        ("maximize", (), None, "returned nothing"),
        ("maximize", (), math.nan, "returned NaN"),
        ("minimize", (), -math.inf, "returned minus infinity"),
        ("maximize", (), [1.0, 2.0], "returned 2 figures where 1"),
        ("maximize", (), {"a": 1.0, "b": 2.0}, "say which counts"),
        ("maximize", "mb <= 5", {"acc": 1.0}, "returned no 'mb'"),
    ],
)
def test_what_is_no_result_says_why(direction: Any, constraints: Any, returned: Any, why: str) -> None:
    assert why in Goal.parse(direction, constraints).settle(returned).why_not


@pytest.mark.parametrize("direction", ["maximise", "up", {}, [], {"a": "maximize", "b": 1}, "a=maximize,a=minimize", 3])
def test_what_is_no_direction_is_refused(direction: Any) -> None:
    with pytest.raises(InvalidArgument, match="direction:"):
        Goal.parse(direction)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12))
def test_random_search_is_expected_to_come_from_the_mean_to_the_best(values: list[float]) -> None:
    curve = expected_random(values, maximize=True)
    assert curve[0] == pytest.approx(sum(values) / len(values))
    assert curve[-1] == max(values)
    assert all(later >= earlier - 1e-6 for earlier, later in pairwise(curve))


def test_two_of_three_are_expected_as_counted_by_hand() -> None:
    # of 1, 2, 3 the pairs are (1, 2), (1, 3), (2, 3): their best are 2, 3, 3
    assert expected_random([3, 1, 2], maximize=True)[1] == pytest.approx(8 / 3)
    assert expected_random([3, 1, 2], maximize=False)[1] == pytest.approx(4 / 3)


def test_trials_that_print_much_are_one_line_together() -> None:
    assert talkative({}) == []
    assert talkative({3: 20_000_000}) == ["Trial 3 printed over 20 MB, of which nothing is kept."]
    (line,) = talkative({0: 20_000_000, 7: 1_500_000_000})
    assert line.startswith("2 trials printed much, trial 7 the most (over 1,500 MB)")


def test_ranges_for_what_is_commonly_tuned() -> None:
    weights = [nn.Parameter(torch.zeros(1))]
    assert set(search_space(torch.optim.SGD(weights, lr=0.1))) == {"lr", "momentum", "weight_decay"}
    assert "max_lr" in search_space(torch.optim.lr_scheduler.OneCycleLR)
    assert "dropout" in search_space(nn.Sequential(nn.Linear(2, 2), nn.Dropout()))
    assert "dropout" not in search_space(nn.Linear(2, 2))
    both = search_space("Learning rate", "batch_size")
    assert list(both) == ["lr", "batch_size"]
    assert "lr = tauto.suggest.float('lr', 1e-05, 0.1, log=True)" in repr(both)
    with suggest.fixed({"lr": 0.01, "batch_size": 32}):
        assert both.suggest() == {"lr": 0.01, "batch_size": 32}


def test_every_optimizer_of_torch_has_ranges_of_what_it_takes() -> None:
    base = torch.optim.Optimizer
    kinds = [kind for kind in vars(torch.optim).values() if inspect.isclass(kind)]
    optimizers = [kind for kind in kinds if issubclass(kind, base) and kind is not base]
    assert len(optimizers) > 10
    for kind in optimizers:
        assert set(search_space(kind)) <= {*inspect.signature(kind).parameters, "beta1", "beta2"}


@pytest.mark.parametrize("of", [(), ("momentun",), (3,)])
def test_what_has_no_range_is_refused(of: Any) -> None:
    with pytest.raises(InvalidArgument, match="search_space:"):
        search_space(*of)


@given(names, st.integers(1, 99), st.integers(0, 900))
def test_every_line_that_a_space_shows_is_python_that_asks_for_the_knob(name: str, low: int, more: int) -> None:
    from tauto.tuning.hyperparameters.search_space import SearchSpace

    space = SearchSpace((Knob.ranged("int", name, low, low + more, log=True),))
    asked: list[Any] = []

    class Spy:
        def int(self, *args: Any, **more: Any) -> None:
            asked.append((args, more))

    class Tauto:
        suggest = Spy()

    exec(repr(space).partition("= ")[2], {"tauto": Tauto})
    assert asked == [((name, low, low + more), {"log": True})]
