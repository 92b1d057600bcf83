"""The ways to compile, and how the compiler takes a model; nothing is built here."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest
import torch
from dynamo_models import Counts
from reports_by_hand import comparison, tuning
from torch import nn

from tauto.errors import InvalidArgument
from tauto.execution import Failure, Outcome
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import Interval
from tauto.tuning.budget import Budget
from tauto.tuning.compiler_look import looked_at, second_call
from tauto.tuning.compiling import Look, check_way, compiled_space, told
from tauto.workload import Workload

HARDWARE = dataclasses.replace(Hardware.current("cpu"), compiler="g++")
GPU = dataclasses.replace(HARDWARE, device="cuda")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 5)

    def forward(self, x):
        y = self.layer(x)
        if y.sum() > 1000:
            y = y + 1
        return y.relu()


def fixed():
    return Workload.of(Net(), inputs=torch.ones(4, 8))


def varying():
    return Workload.of(Net(), data=[torch.ones(size, 8) for size in (4, 6, 8)])


def look(**seen):
    return Look(Budget(60.0), seen)


def titles(workload, mode="auto", dynamic=None, hardware=HARDWARE, seen=None):
    return [recipe.title for recipe in compiled_space(workload, hardware, mode, dynamic, seen or look()).recipes]


def test_the_examples_shapes_come_first_and_the_other_kind_last():
    assert titles(fixed()) == [
        "compile (freezing, example)",
        "compile (example)",
        "compile (freezing, example, max-autotune)",
        "compile (freezing, dynamic)",
    ]


def test_data_of_several_shapes_asks_for_one_code_and_one_other_for_the_price():
    found = compiled_space(varying(), HARDWARE, "auto", None, look())
    assert [recipe.title for recipe in found.recipes] == [
        "compile (freezing, dynamic)",
        "compile (dynamic)",
        "compile (freezing, dynamic, max-autotune)",
        "compile (freezing, example)",
    ]
    assert [found.prefers(recipe) for recipe in found.recipes] == [True, True, True, False]


def test_where_a_free_size_does_not_help_torch_chooses():
    seen = look(shapes=[{"dynamic": "yes", "recompiled": 1, "guards": ["a constant"], "failure": ""}])
    assert titles(varying(), "default", seen=seen) == ["compile (any)", "compile (example)"]


def test_what_is_asked_for_is_all_that_is_tried():
    assert titles(fixed(), "default", True) == ["compile (dynamic)"]
    assert titles(varying(), "freezing", False) == ["compile (freezing, example)"]
    assert titles(fixed(), "reduce-overhead") == []


def test_cuda_graphs_are_for_a_gpu_and_elsewhere_the_reason_is_told():
    (one,) = compiled_space(fixed(), HARDWARE, "auto", None, look()).not_tried
    assert one.technique == "compile (reduce-overhead)"
    assert "on the CPU" in one.reason


@pytest.mark.parametrize("asked", [("fast", None), ("auto", "yes"), ("auto", 1)])
def test_what_is_no_way_is_refused_with_what_there_is(asked):
    with pytest.raises(InvalidArgument, match=r"^(mode: there is no 'fast'|dynamic: .* is neither True nor False)"):
        check_way(*asked)


def test_a_second_shape_comes_from_the_data_else_the_batch_is_doubled():
    call, source, _ = second_call(varying())
    assert (call.shapes, source) == (("float32[6, 8]",), "data")
    call, source, _ = second_call(fixed())
    assert (call.shapes, source) == (("float32[8, 8]",), "doubled batch")


def test_a_model_of_one_batch_size_has_no_second_shape_and_says_why():
    class One(Net):
        def forward(self, x):
            return self.layer(x).view(20)

    call, source, why = second_call(Workload.of(One(), inputs=torch.ones(4, 8)))
    assert (call, source) == (None, "none")
    assert why.startswith("the model refuses a batch of 8: RuntimeError")


def test_the_look_tells_graphs_the_cut_and_what_the_second_shape_does():
    seen = looked_at(fixed())
    assert seen["graphs"] == 2
    (cut,) = seen["breaks"]
    assert cut["line"][0].endswith("test_compiling.py")
    assert "asks for a tensor's value" in cut["reason"]
    by = {one["dynamic"]: one for one in seen["shapes"]}
    assert by["no"]["recompiled"] == by["automatic"]["recompiled"] == 2
    assert "dimension 0 of x is 8, and it was compiled for 4" in by["no"]["guards"]
    assert (by["yes"]["recompiled"], by["yes"]["guards"]) == (0, [])


def test_a_python_counter_is_told_apart_from_a_shape():
    met = looked_at(Workload.of(Counts(), inputs=torch.ones(4, 8)))
    automatic = met["shapes"][0]
    assert automatic["restless"], met
    assert "self.calls was 1 when it was compiled" in automatic["restless"][0]


def test_the_users_model_is_as_before_a_look():
    given = fixed()
    before = {name: value.clone() for name, value in given.model.state_dict().items()}
    looked_at(given)
    assert all(torch.equal(value, before[name]) for name, value in given.model.state_dict().items())
    assert not hasattr(given.model, "_compiled_call_impl") or given.model._compiled_call_impl is None


def test_what_is_told_has_the_price_of_varying_sizes_from_both_trials():
    def trial(number, shapes, speedup, low, high):
        found = replace(comparison(speedup), speedup_interval=Interval(low, high))
        recipe = Recipe.of(("compile", {"freezing": True, "shapes": shapes})).report()
        return replace(tuning().trials[0], number=number, recipe=recipe, comparison=found)

    trials = (trial(0, "example", 2.0, 1.9, 2.1), trial(1, "dynamic", 1.6, 1.5, 1.7))
    report = replace(tuning(), trials=trials, winner=0)
    found = told(report, fixed(), look(**looked_at(fixed())), None)
    assert found.price == pytest.approx(1.25)
    assert (found.price_interval.low, found.price_interval.high) == pytest.approx((1.9 / 1.7, 2.1 / 1.5))
    assert found.dynamic is False
    assert found.breaks[0].place.startswith("test_compiling.py:")
    assert found.breaks[0].code == "if y.sum() > 1000:"
    assert told(replace(report, trials=trials[:1]), fixed(), look(), None).price is None


class _Bench:
    """Answers what is asked with a failure."""

    cache = None

    def ask(self, function, wall_limit_s):
        failure = Failure("timed_out", f"did not end within {wall_limit_s:.3g} s: stopped")
        return Outcome(None, failure, wall_limit_s, None, 0, "")


def test_a_look_that_does_not_end_is_told_and_ends_nothing():
    found = Look(Budget(400.0))
    found(_Bench())
    assert found.avoids()
    met = told(replace(tuning("kept_original"), trials=()), fixed(), found, None)
    assert met.graphs is None
    assert met.failure.startswith("tracing it in a process of its own did not end well: did not end within 100 s")
