"""The legal recipes and their order, on hardware made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from tauto.errors import InvalidArgument
from tauto.hardware import Ceilings, Hardware
from tauto.recipes import Recipe
from tauto.tuning import Goal, proposing_space
from tauto.tuning.rules import expected_speedup
from tauto.tuning.space import chosen_techniques
from tauto.tuning.space import legal_space as space_of
from tauto.tuning.traits import traits_of
from tauto.workload import Workload


def legal_space(workload, hardware, chosen=None):
    return space_of(workload, hardware, chosen or chosen_techniques())


CONV = nn.Sequential(
    nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)
)


def ceilings(bfloat16: float, int8: float) -> Ceilings:
    return Ceilings({"float32": 100.0, "bfloat16": bfloat16, "int8": int8}, 100.0, 10.0, "2026-01-01", "hand")


@pytest.fixture
def machine(monkeypatch):
    """Return hardware whose ceilings are said, not measured."""

    def make(bfloat16: float = 600.0, int8: float = 1200.0, sets: frozenset[str] = frozenset()) -> Hardware:
        monkeypatch.setattr(Hardware, "ceilings", lambda _: ceilings(bfloat16, int8))
        return replace(Hardware.current("cpu"), instruction_sets=frozenset({"AVX2"}) | sets)

    return make


@pytest.fixture
def images():
    return Workload.of(CONV, inputs=torch.zeros(1, 3, 224, 224))


def test_each_configured_technique_alone_is_always_there(machine, images):
    space = legal_space(images, machine(bfloat16=1.0, int8=1.0))
    alone = {recipe.steps[0].name for recipe in space.recipes if len(recipe.steps) == 1}
    told = {item.technique for item in space.not_tried}
    assert alone | told >= {"compile", "openvino", "onnxruntime", "channels_last", "fold_batchnorm", "bfloat16"}


def test_what_does_not_apply_is_told_with_its_reason(machine):
    linear = Workload.of(nn.Linear(4, 4), inputs=torch.zeros(1, 4))
    reasons = {item.technique: item.reason for item in legal_space(linear, machine()).not_tried}
    assert reasons["fold_batchnorm"]
    assert reasons["channels_last"]


def test_without_a_compiler_compile_says_what_is_missing(machine, images):
    space = legal_space(images, replace(machine(), compiler=None))
    told = {item.technique: item for item in space.not_tried}
    assert "compiler" in told["compile"].reason
    assert told["compile"].remedy
    assert not any("compile" in recipe.title for recipe in space.recipes)


def test_a_missing_library_is_told_with_its_pip_line(machine, images, monkeypatch):
    real = __import__("importlib.util").util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == "openvino" else real(name, *rest)
    )
    told = {item.technique: item for item in legal_space(images, machine()).not_tried}
    assert told["openvino"].remedy == "pip install 'tauto[openvino]'"


def test_kinds_come_before_variations_of_one_kind(machine, images):
    recipes = legal_space(images, machine()).recipes
    engines = [next((s for s in r.steps if s.technique.family == "engine"), None) for r in recipes]
    kinds = len(set(engines))
    assert len(set(engines[:kinds])) == kinds


def test_ceilings_order_and_never_reject(machine, images):
    fast, slow = legal_space(images, machine(600, 1200)), legal_space(images, machine(1, 1))
    single = {recipe.digest for recipe in fast.recipes if len(recipe.steps) == 1}
    assert single == {recipe.digest for recipe in slow.recipes if len(recipe.steps) == 1}


def test_only_and_without(machine, images):
    only = legal_space(images, machine(), chosen_techniques(only=["channels_last", "fold_batchnorm"]))
    assert {step.name for recipe in only.recipes for step in recipe.steps} == {"channels_last", "fold_batchnorm"}
    assert Recipe.of("fold_batchnorm", "channels_last") in only.recipes
    without = legal_space(images, machine(), chosen_techniques(without=["compile"]))
    assert "compile" not in {step.name for recipe in without.recipes for step in recipe.steps}
    with pytest.raises(InvalidArgument, match=r"^only: there is no technique 'compil'. Did you mean 'compile'"):
        legal_space(images, machine(), chosen_techniques(only=["compil"]))


def test_a_step_that_adds_nothing_has_exactly_one(machine, images):
    traits = traits_of(images)
    folded = Recipe.of("fold_batchnorm", ("compile", {"freezing": True}))
    assert expected_speedup(folded, traits, machine(), 1)[0] == 1.0
    assert expected_speedup(Recipe.of("fold_batchnorm"), traits, machine(), 1)[0] > 1.0


def test_sparse_kernels_are_expected_to_help_most_over_some_rows(machine):
    traits = traits_of(Workload.of(nn.Linear(4, 4), inputs=torch.zeros(1, 4)))
    one, some, many = (expected_speedup(Recipe.of("sparse_kernels"), traits, machine(), at)[0] for at in (1, 64, 256))
    assert 1.0 < one < many < some


def test_traits_are_read_off_the_model(images):
    traits = traits_of(images)
    assert traits.convolutional
    assert traits.batch_norm
    assert not traits.recurrent
    assert not traits.small
    small = traits_of(Workload.of(nn.LSTM(4, 4), inputs=torch.zeros(2, 3, 4)))
    assert small.recurrent
    assert small.small


def test_what_is_quickly_tried_comes_before_what_takes_long(machine, images, monkeypatch, tmp_path):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path))  # no earlier runs
    first = [recipe.title for recipe in proposing_space(images, machine(), chosen_techniques(), Goal()).recipes]
    compiled = next(place for place, title in enumerate(first) if "compile" in title)
    assert first.index("openvino (float32)") < compiled
    assert first.index("onnxruntime (float32)") < compiled


def test_a_change_of_the_architecture_is_first_tried_with_what_suits_it_best(machine, images, monkeypatch, tmp_path):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path))
    chosen = chosen_techniques(structural=True)
    space = proposing_space(images, machine(), chosen, Goal(), takes=lambda recipe: len(recipe.structure) <= 1)
    structures = [recipe.structure for recipe in space.recipes if recipe.structure]
    assert structures
    assert len(structures) == len(set(structures))
    assert all(len(structure) == 1 for structure in structures)
    assert all(recipe.engine for recipe in space.recipes if recipe.structure)
