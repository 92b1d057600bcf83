"""Recipes that say for each layer what it computes in and how many of its weights are zero."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tauto import serialization
from tauto.errors import CandidateFailed, InvalidArgument
from tauto.hardware import Hardware
from tauto.recipes import Recipe, build, script_of
from tauto.techniques import Context
from tauto.techniques.boundary import CastPrecision
from tauto.techniques.precision import PrecisionConfig
from tauto.techniques.pruning.technique import PruneWeightsConfig
from tauto.workload import Workload

RECIPE = Recipe.of(
    ("prune_weights", {"spread": "named", "ratios": ("first=0.5", "conv=0.25")}),
    ("int8_dynamic", {"keep": ("last",), "bfloat16": ("conv", "middle")}),
)
PICTURES = torch.randn(16, 1, 6, 6, generator=torch.Generator().manual_seed(1))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.first, self.middle, self.last = nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 4)

    def forward(self, pictures: Tensor) -> Tensor:
        hidden = self.first(self.conv(pictures).relu().flatten(1)).relu()
        return self.last(self.middle(hidden).relu())


def net() -> Workload:
    torch.manual_seed(0)
    return Workload.of(Net(), inputs=PICTURES)


def built(recipe: Recipe, folder: Path) -> nn.Module:
    return build(recipe, net(), Context(folder, Hardware.current())).module


def test_each_layer_gets_what_was_chosen_for_it_and_is_kept_so(tmp_path: Path) -> None:
    changed = built(RECIPE, tmp_path)
    assert isinstance(changed.conv, CastPrecision)
    assert changed.conv.module.weight.dtype == changed.middle.module.weight.dtype == torch.bfloat16
    assert changed.first.weight.qdata.dtype == torch.int8
    assert type(changed.last.weight.data) is Tensor
    assert float((changed.conv.module.weight == 0).float().mean()) == 0.25
    assert float((changed.first.weight.dequantize() == 0).float().mean()) >= 0.5
    assert float((changed.last.weight == 0).float().mean()) == 0

    given = net()
    serialization.write(changed, given.model, tmp_path / "kept")
    again = serialization.read(given.copy_model(), tmp_path / "kept")
    with torch.no_grad():
        assert torch.equal(again(PICTURES), changed(PICTURES))


def test_the_script_does_the_same_and_the_recipe_survives_writing(tmp_path: Path) -> None:
    assert Recipe.parse(RECIPE.to_yaml()) == RECIPE
    assert RECIPE.title == (
        "prune_weights (50% of first, 25% of conv) → int8_dynamic (but for last, bfloat16 in conv, middle)"
    )
    names: dict = {"__name__": "optimize"}
    exec(compile(script_of(RECIPE), "optimize.py", "exec", dont_inherit=True), names)
    with torch.no_grad():
        found = names["optimize"](net().model, (PICTURES,), {}, [((PICTURES,), {})])(PICTURES)
        torch.testing.assert_close(found, built(RECIPE, tmp_path)(PICTURES))


def test_single_layers_in_bfloat16_without_any_in_int8(tmp_path: Path) -> None:
    recipe = Recipe.of(("bfloat16", {"layers": ("middle",)}))
    changed = built(recipe, tmp_path)
    assert changed.middle.module.weight.dtype == torch.bfloat16
    assert changed.first.weight.dtype == changed.conv.weight.dtype == torch.float32
    assert recipe.title == "bfloat16 (cast, only in middle)"
    names: dict = {"__name__": "optimize"}
    exec(compile(script_of(recipe), "optimize.py", "exec", dont_inherit=True), names)
    with torch.no_grad():
        again = names["optimize"](net().model, (PICTURES,), {}, [((PICTURES,), {})])
        torch.testing.assert_close(again(PICTURES), changed(PICTURES))


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (("bfloat16", {"layers": ("midle",)}), "layers: the model has no layer 'midle'. Did you mean 'middle'"),
        (("int8_dynamic", {"bfloat16": ("nowhere",)}), "bfloat16: the model has no layer 'nowhere'"),
        (("prune_weights", {"spread": "named", "ratios": ("lost=0.5",)}), "ratios: lost cannot be pruned"),
    ],
)
def test_a_layer_that_is_not_there_is_named(step: tuple[str, dict], words: str, tmp_path: Path) -> None:
    with pytest.raises(CandidateFailed, match=words):
        built(Recipe.of(step), tmp_path)


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="layers: single layers are cast"):
        PrecisionConfig("autocast", ("fc",))
    with pytest.raises(InvalidArgument, match="ratios: shares of single layers go with"):
        PruneWeightsConfig(ratios=("fc=0.5",))
    with pytest.raises(InvalidArgument, match="ratios: shares of single layers go with"):
        PruneWeightsConfig(spread="named")
    with pytest.raises(InvalidArgument, match=r"'fc=2' is no share"):
        PruneWeightsConfig(spread="named", ratios=("fc=2",))
    with pytest.raises(InvalidArgument, match="single layers are pruned of single weights"):
        PruneWeightsConfig(spread="named", ratios=("fc=0.5",), structure="2:4")
