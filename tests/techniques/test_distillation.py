"""The technique by the contract: prepared once, loaded anywhere, the teacher untouched, a script without TAuto."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tauto.errors import CandidateFailed, RecipeError
from tauto.fitting.state import take
from tauto.hardware import Hardware
from tauto.recipes import Recipe, build, placed, script_of
from tauto.techniques import Context, technique
from tauto.techniques.distillation.technique import DistillConfig
from tauto.workload import Workload

HARDWARE = Hardware.current()
DATA = [torch.randn(16, 16, generator=torch.Generator().manual_seed(seed)) for seed in range(4)]


def net():
    torch.manual_seed(0)
    hidden = [layer for _ in range(2) for layer in (nn.Linear(32, 32), nn.ReLU())]
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), *hidden, nn.Linear(32, 4))


def workload(**more):
    return Workload.of(net(), inputs=DATA[0], **{"data": DATA, "trains": True, **more})


def recipe(**config):
    return Recipe.of(("distill", DistillConfig(**{"epochs": 3, **config})))


@pytest.mark.parametrize(("shape", "width"), [("half-depth", 32), ("half-width", 16)])
def test_it_is_prepared_once_and_loaded_as_it_was(shape, width, tmp_path):
    given = workload()
    before, modes = take(given.model), [each.training for each in given.model.modules()]
    made = recipe(student=shape)
    first = build(made, given, Context(tmp_path, HARDWARE))
    loaded = build(made, workload(), Context(tmp_path, HARDWARE, may_prepare=False))
    assert torch.equal(given.example(first), given.example(loaded))
    assert not torch.equal(given.example(first), given.example(given.model))
    layers = [each for each in loaded.modules() if isinstance(each, nn.Linear)]
    assert layers[0].weight.shape == (width, 16)
    assert all(torch.equal(value, before[name]) for name, value in take(given.model).items())
    assert [each.training for each in given.model.modules()] == modes
    again = build(made, given, Context(tmp_path / "again", HARDWARE))
    assert torch.equal(given.example(first), given.example(again))
    [(step, here)] = placed(made, Context(tmp_path, HARDWARE))
    told = step.technique.account(step.config, here)
    assert told.notes[0].startswith(f"The student is {shape}, ")
    assert "in 12 steps; the loss went from" in told.notes[1]


def test_the_student_comes_nearer_to_the_teacher_by_its_lessons(tmp_path):
    given = workload()

    def error(**config):
        student = build(recipe(student="half-width", **config), given, Context(tmp_path / str(config), HARDWARE))
        return (given.example(student) - given.example(given.model)).norm().item()

    assert error(epochs=60, learning_rate=1e-2) < 0.7 * error(epochs=None, steps=1, learning_rate=1e-9)


def test_it_says_where_it_does_not_apply_and_what_to_try():
    known = technique("distill")
    answer = known.applies_to(workload(trains=False), HARDWARE)
    assert (answer.applies, answer.remedy) == (False, "data=…")
    assert known.applies_to(workload(), HARDWARE).applies
    assert [config.student for config in known.space(workload(), HARDWARE)] == ["half-depth", "half-width"]


def test_what_cannot_be_made_is_a_candidate_that_failed(tmp_path):
    given = Workload.of(nn.Linear(4, 2), inputs=torch.randn(2, 4), data=[torch.randn(2, 4)], trains=True)
    with pytest.raises(CandidateFailed, match="give a student of your own"):
        build(recipe(), given, Context(tmp_path, HARDWARE))


def test_a_recipe_is_only_data():
    made = recipe(method="features", temperature=2.0, mixing=0.5)
    assert Recipe.parse(made.to_yaml()) == made
    assert made.title == "distill (half, features, 3 epochs)"
    for wrong in ({"student": "third"}, {"epochs": 3, "steps": 3}, {"mixing": 0.0}, {"temperature": -1.0}):
        with pytest.raises(RecipeError):
            Recipe.of(("distill", wrong))


@pytest.mark.parametrize("shape", ["half", "half-width"])
def test_the_script_needs_no_tauto(shape):
    source = script_of(recipe(student=shape))
    assert "tauto" not in "".join(line for line in source.splitlines() if "import" in line)
    names = {"__name__": "optimize"}
    exec(compile(source, "optimize.py", "exec", dont_inherit=True), names)
    model = net()
    kept = copy.deepcopy(model)
    with torch.no_grad():
        student = names["optimize"](model, (DATA[0],), {}, [((each,), {}) for each in DATA])
        shape_of = student(DATA[0][:3]).shape
    assert shape_of == (3, 4)
    assert sum(each.numel() for each in student.parameters()) < sum(each.numel() for each in model.parameters())
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), kept.parameters(), strict=True))
