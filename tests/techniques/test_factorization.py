"""Layers written as two: exact where the weight is of low rank, left with the reason where that saves nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tauto.errors import CandidateFailed, InvalidArgument
from tauto.hardware import Hardware
from tauto.recipes import Recipe, build, placed, script_of
from tauto.techniques import Context, technique
from tauto.techniques.factorization.layers import factorize_layers, in_two, rank_of, spectrum
from tauto.techniques.factorization.technique import Factorize, FactorizeConfig
from tauto.workload import Workload


def low_rank(layer: Any, rank: int) -> Any:
    """Give ``layer`` a weight of exactly this rank."""
    rows, columns = layer.weight.flatten(1).shape
    with torch.no_grad():
        product = torch.randn(rows, rank) @ torch.randn(rank, columns) / columns**0.5 / rank**0.5
        layer.weight.copy_(product.reshape(layer.weight.shape))
    return layer


CONVOLUTIONS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "linear": (nn.Linear(48, 64), (3, 48)),
    "linear without bias": (nn.Linear(48, 64, bias=False), (3, 5, 48)),
    "1-d, dilated": (nn.Conv1d(16, 32, 5, dilation=2), (2, 16, 20)),
    "2-d, strided, reflecting": (nn.Conv2d(16, 32, 3, stride=2, padding=1, padding_mode="reflect"), (2, 16, 9, 9)),
    "2-d, of two sizes": (nn.Conv2d(16, 32, (1, 5), padding=(0, 2), bias=False), (2, 16, 9, 9)),
    "2-d, same": (nn.Conv2d(16, 32, 3, padding="same"), (2, 16, 9, 9)),
    "3-d": (nn.Conv3d(16, 32, 3), (1, 16, 5, 5, 5)),
    "1 × 1": (nn.Conv2d(64, 64, 1), (2, 64, 3, 3)),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_layer_of_low_rank_is_written_as_two_exactly(name: str) -> None:
    torch.manual_seed(0)
    layer, shape = CONVOLUTIONS[name]
    model = nn.Sequential(low_rank(layer, 6)).eval()
    x = torch.randn(shape)
    expected, before = model(x), sum(one.numel() for one in model.parameters())
    ranks, left = factorize_layers(model, [((x,), {})], 0.999, 8)
    assert list(ranks.values()) == [(8, min(layer.weight.flatten(1).shape))]
    assert left == {}
    assert sum(one.numel() for one in model.parameters()) < before
    torch.testing.assert_close(model(x), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", [(64, 200), (200, 64)])
@pytest.mark.parametrize("energy", [0.5, 0.8, 0.95])
def test_the_error_of_the_weight_is_what_the_energy_leaves(energy: float, shape: tuple[int, int]) -> None:
    """By Eckart and Young: the squared relative error is the share of energy that is gone, and no rank less does."""
    torch.manual_seed(0)
    weight = torch.randn(shape)
    values = torch.linalg.svdvals(weight)
    rank = rank_of(values, energy, 1)
    layer = nn.Linear(shape[1], shape[0], bias=False)
    layer.weight = nn.Parameter(weight)
    first, second = in_two(layer, *spectrum(weight), rank)
    lost = ((second.weight @ first.weight - weight).norm() / weight.norm()).square().item()
    assert lost <= 1 - energy
    assert lost == pytest.approx(1 - (values[:rank].square().sum() / values.square().sum()).item(), abs=1e-4)
    assert values[: rank - 1].square().sum() / values.square().sum() < energy
    assert rank_of(values, energy, 8) % 8 == 0


class Many(nn.Module):
    """One layer of each sort that must be left, and one that need not."""

    def __init__(self) -> None:
        super().__init__()
        self.good = low_rank(nn.Linear(64, 64), 4)
        self.full = nn.Linear(64, 64)
        self.small = nn.Linear(64, 8)
        self.grouped = nn.Conv1d(64, 64, 3, padding=1, groups=2)
        self.tied = low_rank(nn.Linear(64, 64), 4)
        self.other = nn.Linear(64, 64)
        self.other.weight = self.tied.weight
        self.read = low_rank(nn.Linear(64, 64), 4)
        self.hooked = low_rank(nn.Linear(64, 64), 4)
        self.hooked.register_forward_hook(lambda *_: None)
        self.unused = low_rank(nn.Linear(64, 64), 4)
        self.looked_at = low_rank(nn.Linear(64, 64), 4)
        self.twice = low_rank(nn.Linear(64, 64), 4)
        self.again = self.twice
        self.up = nn.ConvTranspose1d(64, 64, 1)
        nn.init.orthogonal_(self.full.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.full(self.good(x)) + self.other(self.tied(x))
        x = self.up(self.grouped(x.T[None]))[0].T
        x = self.hooked(nn.functional.linear(x, self.read.weight) + self.read(x))
        x = self.looked_at(x.to(self.looked_at.weight.dtype))
        return self.small(self.again(self.twice(x)))


def test_what_is_left_is_named_with_the_reason() -> None:
    torch.manual_seed(0)
    model = Many().eval()
    x = torch.randn(5, 64)
    expected = model(x)
    ranks, left = factorize_layers(model, [((x,), {})], 0.99, 8)
    assert set(ranks) == {"good", "twice"}
    assert model.twice is model.again
    assert set(left) == {"full", "small", "grouped", "tied", "other", "read", "hooked", "unused", "looked_at", "up"}
    for name, words in {
        "full": "99 % of its energy takes all of its rank 64",
        "small": "even rank 8 saves nothing",
        "grouped": "in groups",
        "tied": "shared",
        "other": "shared",
        "read": "read outside of it",
        "hooked": "hooks",
        "unused": "never reach",
        "up": "transposed",
        "looked_at": "read outside of it",
    }.items():
        assert words in left[name]
    torch.testing.assert_close(model(x), expected, rtol=1e-3, atol=1e-4)


def _net() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [low_rank(nn.Conv2d(8, 32, 3), 6), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 16, 10)]
    return nn.Sequential(*layers).eval()


def _built(workload: Workload, config: FactorizeConfig, folder: Path, may_prepare: bool = True) -> nn.Module:
    return build(Recipe.of(("factorize", config)), workload, Context(folder, Hardware.current("cpu"), 0, may_prepare))


def test_the_technique_tells_what_it_did_and_loads_it_again(tmp_path: Path) -> None:
    net, x = _net(), torch.randn(4, 8, 6, 6)
    workload = Workload.of(net, inputs=x)
    config = FactorizeConfig(0.99, keep=("4",))
    fast = _built(workload, config, tmp_path)
    torch.testing.assert_close(fast(x), net(x), rtol=1e-3, atol=1e-4)
    assert torch.equal(_built(workload, config, tmp_path, may_prepare=False)(x), fast(x))
    [(_, here)] = placed(Recipe.of(("factorize", config)), Context(tmp_path, Hardware.current("cpu")))
    account = Factorize().account(config, here)
    assert "fewer parameters and" in account.summary
    assert "fewer multiply-adds" in account.summary
    assert account.notes == (
        "Written as two, by rank: 0 8 of 32.",
        "Left as it is: 4 (it was asked for).",
        "It was not trained afterwards.",
    )


def test_training_wins_back_what_the_rank_lost(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32)).eval()
    data = [torch.randn(32, 32) for _ in range(12)]
    workload = Workload.of(net, data=data, trains=True)
    cut = _built(workload, FactorizeConfig(0.6), tmp_path / "cut")
    trained = _built(workload, FactorizeConfig(0.6, epochs=4, learning_rate=3e-3), tmp_path / "trained")
    probe = torch.randn(64, 32)
    errors = [(model(probe) - net(probe)).norm() / net(probe).norm() for model in (cut, trained)]
    assert errors[1] < 0.9 * errors[0]
    assert not any(parameter.requires_grad for parameter in trained.parameters())
    source = script_of(Recipe.of(("factorize", FactorizeConfig(0.6, epochs=1))))
    names: dict[str, Any] = {"__name__": "optimize"}
    exec(compile(source, "optimize.py", "exec", dont_inherit=True), names)
    again = names["optimize"](net, (data[0],), {}, [((batch,), {}) for batch in data])
    assert (again(probe) - net(probe)).norm() / net(probe).norm() < errors[0]


def test_what_cannot_be_is_refused_by_name(tmp_path: Path) -> None:
    net, x = _net(), torch.randn(4, 8, 6, 6)
    workload = Workload.of(net, inputs=x)
    with pytest.raises(CandidateFailed, match=r"no layer could be written as two: 0: it was asked for; 4: it was"):
        _built(workload, FactorizeConfig(keep=("0", "4")), tmp_path / "1")
    with pytest.raises(CandidateFailed, match="keep names 'conv', and the model has no such layer"):
        _built(workload, FactorizeConfig(keep=("conv",)), tmp_path / "2")
    with pytest.raises(CandidateFailed, match="nothing to train with"):
        _built(workload, FactorizeConfig(epochs=2), tmp_path / "3")
    for values in ({"energy": 1.0}, {"energy": True}, {"multiple": 0}, {"epochs": -1}, {"learning_rate": 0.0}):
        with pytest.raises(InvalidArgument, match=next(iter(values))):
            FactorizeConfig(**values)  # type: ignore[arg-type]
    lstm = Workload.of(nn.LSTM(8, 8), inputs=torch.randn(3, 2, 8))
    answer = technique("factorize").applies_to(lstm, Hardware.current("cpu"))
    assert not answer.applies
    assert "no linear or convolutional layer" in answer.reason
