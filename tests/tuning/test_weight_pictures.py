"""The largest weights before and after, small enough to keep in a report."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from tauto.hardware import Hardware
from tauto.recipes import OptimizedModel, Recipe, placed
from tauto.techniques import Context, technique
from tauto.tuning.model_layers import model_layers
from tauto.tuning.weight_pictures import weight_pictures
from tauto.workload import Workload


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8)).eval()


def made(folder: Path, name: str, config: dict[str, object], original: nn.Module):
    recipe = Recipe.of((name, config))
    [(_, context)] = placed(recipe, Context(folder, Hardware.current()))
    workload = Workload.of(original, inputs=torch.randn(4, 128))
    model = technique(name).apply(workload, recipe.steps[0].config, context)
    return OptimizedModel(model, recipe, original), recipe, technique(name).account(recipe.steps[0].config, context)


def test_histograms_share_their_range_and_leave_zeros_aside() -> None:
    original = nn.Sequential(nn.Linear(2, 2, bias=False))
    changed = copy.deepcopy(original)
    with torch.no_grad():
        original[0].weight.copy_(torch.tensor([[-1.0, 0.5], [0.25, 3.0]]))
        changed[0].weight.copy_(torch.tensor([[-1.0, 0.0], [0.25, 0.0]]))
    [found] = weight_pictures(original, changed)
    assert (found.low, found.high) == (-1.0, 3.0)
    assert (sum(found.before), sum(found.after)) == (4, 2)
    assert (found.zeros_before, found.zeros_after) == (0.0, 0.5)
    assert found.corner == ("#.", "#.")
    assert not found.tenths  # the corner is the whole


def test_two_of_four_is_seen_and_any_half_is_not(tmp_path: Path) -> None:
    original = net()
    pattern, _, _ = made(tmp_path / "a", "prune_weights", {"structure": "2:4", "spread": "uniform"}, original)
    half, _, _ = made(tmp_path / "b", "prune_weights", {"sparsity": 0.5, "spread": "uniform"}, original)
    assert {one.pattern for one in weight_pictures(original, pattern)} == {"2:4"}
    assert {one.pattern for one in weight_pictures(original, half)} == {""}
    found = weight_pictures(original, pattern)[0]
    assert (len(found.corner), len(found.corner[0])) == (32, 64)
    assert all(row[start : start + 4].count(".") == 2 for row in found.corner for start in range(0, 64, 4))
    assert {sign for row in found.tenths for sign in row} == {"5"}


def test_which_channels_stayed_is_told_in_the_originals_numbers(tmp_path: Path) -> None:
    original = net()
    with torch.no_grad():
        for layer in (original[0], original[2]):
            layer.weight.add_(1.0)
        original[0].weight[1::2] *= 1e-3  # every second output is the one to go
    config = {"sparsity": 0.5, "steps": 2, "schedule": "linear"}
    pruned, _, account = made(tmp_path, "prune", config, original)
    maps = {one.name: one for one in account.channels}
    assert maps["0"].rows == ("#." * 32,)
    assert (maps["0"].before, maps["0"].after) == (64, 32)
    kept = [index for index, sign in enumerate("".join(maps["2"].rows)) if sign == "#"]
    assert torch.equal(pruned.module[2].bias, original[2].bias[kept])


def test_a_layer_of_low_rank_is_seen_as_its_product(tmp_path: Path) -> None:
    original = net()
    with torch.no_grad():
        original[0].weight.copy_(torch.randn(64, 4) @ torch.randn(4, 128))
    thin, recipe, _ = made(tmp_path, "factorize", {"energy": 0.99}, original)
    found = weight_pictures(original, thin)[0]
    assert found.shape_after == (64, 128)
    assert sum(abs(one - other) for one, other in zip(found.before, found.after, strict=True)) < 0.1 * sum(found.before)
    row = model_layers(original, thin, recipe)[0]
    assert (row.precision, row.reason) == ("float32", "")
    assert row.optimized_bytes is not None
    assert row.optimized_bytes < row.size_bytes


def test_what_is_quantized_is_seen_by_its_values(tmp_path: Path) -> None:
    original = net()
    small, _, _ = made(tmp_path, "int8_dynamic", {}, original)
    assert [one.name for one in weight_pictures(original, small)] == ["0", "2", "4"]


def test_of_an_engine_there_is_nothing_to_see() -> None:
    engine = nn.Module()
    engine.placement = nn.Parameter(torch.empty(0), requires_grad=False)
    assert weight_pictures(net(), engine) == ()


def test_tied_weights_are_seen_once_and_values_that_are_not_finite_are_left_out() -> None:
    original = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    original[1].weight = original[0].weight
    with torch.no_grad():
        original[0].weight[0, 0] = float("nan")
    [found] = weight_pictures(original, copy.deepcopy(original))
    assert sum(found.before) == 63


@pytest.mark.parametrize("layers", [40])
def test_a_report_stays_small(layers: int) -> None:
    original = nn.Sequential(*(nn.Linear(256, 256) for _ in range(layers)))
    changed = copy.deepcopy(original)
    with torch.no_grad():
        for layer in changed:
            layer.weight.mul_(torch.rand_like(layer.weight) > 0.5)
    found = weight_pictures(original, changed)
    from dataclasses import asdict

    assert len(found) == 6
    assert len(json.dumps([asdict(one) for one in found])) < 40_000
