"""The winner's layers beside the original's."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tauto.recipes import OptimizedModel, Recipe
from tauto.reports import KeptLayer
from tauto.techniques import Context, technique
from tauto.tuning.model_layers import model_layers, precision_of
from tauto.workload import Workload


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.LayerNorm(64), nn.Linear(64, 32)).eval()


def rows(original, optimized, recipe, known=None):
    found = model_layers(original, OptimizedModel(optimized, recipe, original), recipe, known)
    return {row.name: row for row in found}


def test_what_torchao_quantized_is_seen_in_the_model_itself(tmp_path):
    original, recipe = net(), Recipe.of(("int8_dynamic", {"keep": ("3",)}))
    workload = Workload.of(original, inputs=torch.randn(4, 32))
    from tauto.hardware import Hardware

    made = technique("int8_dynamic").apply(workload, recipe.steps[0].config, Context(tmp_path, Hardware.current()))
    found = rows(original, made, recipe, {"0": KeptLayer("0", "Linear", 41.0, None)})
    assert [(name, row.precision) for name, row in found.items()] == [("0", "int8"), ("2", "float32"), ("3", "float32")]
    assert found["0"].size_bytes == 4 * (32 * 64 + 64)
    assert found["0"].optimized_bytes < found["0"].size_bytes / 2
    assert found["3"].optimized_bytes == found["3"].size_bytes
    assert found["0"].sensitivity_db == 41.0
    assert not any(row.reason for row in found.values())


def test_zeros_and_widths_are_those_of_the_optimized():
    original = net()
    pruned = copy.deepcopy(original)
    with torch.no_grad():
        pruned[0].weight[:32] = 0.0
    pruned[3] = nn.Linear(64, 16)
    found = rows(original, pruned, Recipe(()))
    assert found["0"].sparsity == pytest.approx(0.5)
    assert found["3"].optimized_bytes == 4 * (64 * 16 + 16)


def test_wrappers_and_compiled_models_are_looked_through():
    original = net()
    held = nn.ModuleDict({"module": nn.ModuleDict({"_orig_mod": copy.deepcopy(original).bfloat16()})})
    assert {row.precision for row in rows(original, held, Recipe(())).values()} == {"bfloat16"}


def test_a_layer_that_was_folded_away_is_said_to_be():
    original = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8)).eval()
    found = rows(original, nn.Sequential(nn.Linear(8, 8)), Recipe.of("fold_batchnorm"))
    assert found["1"].precision is None
    assert "no part of the optimized model" in found["1"].reason


def test_of_an_engine_the_recipe_tells_what_was_asked_for():
    original = net()
    engine = nn.Module()
    engine.placement = nn.Parameter(torch.empty(0), requires_grad=False)
    recipe = Recipe.of(("openvino", {"precision": "int8", "keep": ("3",)}))
    found = rows(original, engine, recipe)
    assert [(name, row.precision) for name, row in found.items()] == [("0", "int8"), ("2", "float32"), ("3", "float32")]
    assert all(row.optimized_bytes is None and "engine" in row.reason for row in found.values())


def test_a_model_that_is_one_layer_is_found_too():
    original = nn.Linear(8, 4)
    found = rows(original, copy.deepcopy(original).bfloat16(), Recipe(()))
    assert [(row.name, row.precision) for row in found.values()] == [("", "bfloat16")]


def test_a_layer_without_weights_has_no_precision():
    assert precision_of(nn.ReLU()) is None
