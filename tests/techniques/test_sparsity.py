"""Linear layers without their zeros: the same answers, in less room; left with the reason where that cannot be."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tauto import serialization
from tauto.errors import CandidateFailed, InvalidArgument, RecipeError
from tauto.hardware import Hardware
from tauto.measurement.size import size_bytes
from tauto.recipes import OptimizedModel, Recipe, build, placed, script_of
from tauto.techniques import Context, technique
from tauto.techniques.sparsity.linear import SparseLinear, use_sparse_kernels
from tauto.techniques.sparsity.technique import SparseKernelsConfig
from tauto.tuning.model_layers import model_layers
from tauto.tuning.weight_pictures import weight_pictures
from tauto.workload import Workload

X86 = dataclasses.replace(Hardware.current("cpu"), instruction_sets=frozenset({"AVX2"}))
pytestmark = pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="the sparse kernels are MKL's")
ROWS = torch.randn(6, 40)


def sparse(layer: nn.Linear, zeros: float = 0.9) -> nn.Linear:
    """Set the first weights of each row to zero, so that the share is exact."""
    with torch.no_grad():
        layer.weight[:, : round(zeros * layer.in_features)] = 0
    return layer


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(sparse(nn.Linear(40, 30)), nn.ReLU(), nn.Linear(30, 4)).eval()


def built(model: nn.Module, rows: Any, folder: Path, *steps: Any) -> tuple[OptimizedModel, Any]:
    """Return the model that the steps make, and the account of the last one."""
    workload, recipe = Workload.of(model, inputs=rows), Recipe.of(*steps)
    context = Context(folder, X86)
    found = build(recipe, workload, context)
    *_, (step, here) = placed(recipe, context)
    return found, step.technique.account(step.config, here)


@pytest.mark.parametrize("zeros", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(40,), (1, 40), (7, 40), (2, 3, 40), (1, 1, 40), (0, 40), (2, 0, 40)])
def test_it_answers_as_the_dense_layer_whatever_the_shape(shape: tuple[int, ...], bias: bool, zeros: float) -> None:
    torch.manual_seed(0)
    dense = sparse(nn.Linear(40, 30, bias=bias), zeros)
    layer, x = SparseLinear.of(dense), torch.randn(shape)
    with torch.no_grad():
        expected, found = dense(x), layer(x)
        again = layer(x.expand(2, *shape).transpose(0, -2)) if len(shape) > 1 else None
    torch.testing.assert_close(found, expected)
    assert found.is_contiguous()
    assert torch.equal(layer.weight, dense.weight.detach())
    if again is not None:
        torch.testing.assert_close(again, dense(x.expand(2, *shape).transpose(0, -2)).detach())


def test_inputs_of_another_width_are_refused_as_ever() -> None:
    layer = SparseLinear.of(sparse(nn.Linear(40, 40)))
    for shape in ((4, 80), (2, 20), (80,), (1, 80)):
        with pytest.raises(RuntimeError):
            layer(torch.zeros(shape))


def test_a_copy_and_one_that_was_pickled_share_no_memory_and_new_values_count() -> None:
    layer = SparseLinear.of(sparse(nn.Linear(40, 30)))
    expected = layer(ROWS)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.testing.assert_close(other(ROWS), expected)
        with torch.no_grad():
            other.values.zero_()
            torch.testing.assert_close(other(ROWS), other.bias.expand(6, 30))
        other.values = nn.Parameter(layer.values.clone(), requires_grad=False)
        torch.testing.assert_close(other(ROWS), expected)
    torch.testing.assert_close(layer(ROWS), expected)


def test_the_technique_changes_what_is_mostly_zero_and_tells_of_the_rest(tmp_path: Path) -> None:
    model = net()
    found, account = built(model, ROWS, tmp_path, "sparse_kernels")
    assert isinstance(found.module[0], SparseLinear)
    assert type(found.module[2]) is nn.Linear
    torch.testing.assert_close(found(ROWS), model(ROWS).detach())
    assert account.summary == "1 of 2 linear layers by sparse kernels"
    assert "By sparse kernels: 0 (90% zeros)." in account.notes[0]
    assert account.notes[1:] == ("Dense as before: 2 (0 % of its weights are zero).",)
    # 4 bytes each: the values and their columns, the rows and one more, and the biases
    assert size_bytes(found) == 4 * (2 * 4 * 30 + 31 + 30 + 30 * 4 + 4)


def test_it_follows_pruning_in_one_recipe_and_its_script_does_the_same(tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(40, 30), nn.ReLU(), nn.Linear(30, 8, bias=False)).eval()
    steps = (("prune_weights", {"sparsity": 0.9, "spread": "uniform"}), ("sparse_kernels", {"least_zeros": 0.75}))
    found, account = built(model, ROWS, tmp_path, *steps)
    zeros, _ = built(model, ROWS, tmp_path, steps[0])
    assert account.summary == "2 of 2 linear layers by sparse kernels"
    assert found.recipe.title.endswith(" → sparse_kernels (from 75% zeros)")
    torch.testing.assert_close(found(ROWS), zeros(ROWS))
    names: dict[str, Any] = {"__name__": "optimize"}
    exec(compile(script_of(found.recipe), "optimize.py", "exec", dont_inherit=True), names)
    with torch.no_grad():
        again = names["optimize"](model, (ROWS,), {}, [((ROWS,), {})])
    assert type(again[0]).__name__ == "SparseLinear"
    torch.testing.assert_close(again(ROWS), found(ROWS))


def test_it_is_kept_without_its_zeros_and_a_strangers_indices_are_checked(tmp_path: Path) -> None:
    found, _ = built(net(), ROWS, tmp_path / "made", "sparse_kernels")
    serialization.write(found.module, net(), tmp_path / "kept")
    assert (tmp_path / "kept" / "weights.safetensors").stat().st_size < size_bytes(net()) / 2
    again = serialization.read(net(), tmp_path / "kept")
    torch.testing.assert_close(again(ROWS), found(ROWS))
    again.load_state_dict({**again.state_dict(), "0.col_indices": torch.full((30 * 4,), 10**6, dtype=torch.int32)})
    with pytest.raises(RuntimeError, match="col_indices"):
        again(ROWS)


def test_the_report_sees_its_zeros_and_its_bytes(tmp_path: Path) -> None:
    model = net()
    found, _ = built(model, ROWS, tmp_path, "sparse_kernels")
    first, last = model_layers(model, found, found.recipe)
    assert (first.precision, last.precision) == ("float32", "float32")
    assert first.sparsity == pytest.approx(0.9)
    assert first.optimized_bytes == 4 * (2 * 4 * 30 + 31 + 30)
    assert [picture.zeros_after for picture in weight_pictures(model, found)] == pytest.approx([0.9, 0.0])


class Reads(nn.Module):
    """Reads a layer's weight by itself, asks for the class of one, has one with a hook, and does not run all."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.hooked, self.idle, self.plain, self.asked = (sparse(nn.Linear(40, 40)) for _ in range(5))
        self.hooked.register_forward_hook(lambda *_: None)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.linear(x, self.read.weight) + self.plain(self.hooked(x))
        return self.asked(x) if isinstance(self.asked, nn.Linear) else x.missing


def test_what_others_look_at_is_left_by_name() -> None:
    model = Reads().eval()
    shares, left = use_sparse_kernels(model, [((ROWS,), {})], 0.8)
    assert shares == {"plain": pytest.approx(0.9)}
    assert left == {
        "read": "its weight is read outside of it",
        "hooked": "it has hooks or a forward of its own",
        "idle": "the inputs never reach it",
        "asked": "the model reads more of it than its output (AttributeError)",
    }
    assert type(model.asked) is nn.Linear


@pytest.mark.parametrize(
    ("model", "hardware", "words"),
    [
        (net(), X86, ""),
        (
            nn.Sequential(nn.Linear(40, 4)),
            X86,
            "the most in a linear layer are 0%, in 0; sparse kernels are worth a try",
        ),
        (net().bfloat16(), X86, "no plain linear layer in float32"),
        (nn.Conv1d(40, 4, 1), X86, "no plain linear layer in float32"),
        (net(), dataclasses.replace(X86, device="cuda"), "need an x86 CPU and a torch built with MKL"),
        (net(), dataclasses.replace(X86, instruction_sets=frozenset({"NEON"})), "need an x86 CPU"),
    ],
)
def test_where_it_does_not_apply_it_says_why(model: nn.Module, hardware: Hardware, words: str) -> None:
    rows = ROWS.to(next(model.parameters()).dtype)
    answer = technique("sparse_kernels").applies_to(Workload.of(model, inputs=rows), hardware)
    assert answer.applies == (not words)
    assert words in answer.reason


def test_too_few_zeros_are_a_refusal_with_the_layers_own(tmp_path: Path) -> None:
    model = nn.Sequential(sparse(nn.Linear(40, 4), 0.6)).eval()
    with pytest.raises(CandidateFailed, match=r"no linear layer has 85% zeros .*: 0: 60 % of its weights are zero"):
        built(model, ROWS, tmp_path, "sparse_kernels")


def test_a_share_that_pruning_rounded_down_is_enough() -> None:
    model = nn.Sequential(nn.Linear(7, 9)).eval()
    with torch.no_grad():
        model[0].weight.view(-1)[: int(0.85 * 63)] = 0  # 53 of 53.55
    shares, left = use_sparse_kernels(model, [((torch.zeros(2, 7),), {})], 0.85)
    assert shares == {"0": pytest.approx(53 / 63)}
    assert left == {}


def test_a_config_or_a_recipe_that_cannot_be_is_refused() -> None:
    for share in (0.5, 1.0, True, "most"):
        with pytest.raises(InvalidArgument, match="least_zeros: "):
            SparseKernelsConfig(share)  # type: ignore[arg-type]
    for other in ("openvino", "int8_dynamic", "bfloat16"):
        with pytest.raises(RecipeError, match="cannot be with"):
            Recipe.of("sparse_kernels", other)
    with pytest.raises(RecipeError, match="must come before"):
        Recipe.of("sparse_kernels", "prune_weights")
