from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques import Context, technique
from tauto.workload import Workload

HARDWARE = Hardware.current()
IMAGES = torch.randn(3, 4, 8, 8)


def folded(model: nn.Module, inputs: Tensor, tmp_path: Path, data: list[Tensor] | None = None) -> nn.Module:
    """Return ``model`` with its normalisations folded, after checking that it still answers the same."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
            if module.weight is not None:
                nn.init.uniform_(module.weight, 0.5, 2)
    given = Workload.of(model.eval(), inputs=inputs, data=data)
    changed = technique("fold_batchnorm").apply(
        given, technique("fold_batchnorm").config(), Context(tmp_path, HARDWARE)
    )
    with torch.no_grad():
        torch.testing.assert_close(changed(inputs), model(inputs), rtol=1e-4, atol=1e-4)
    return changed


def norms(model: nn.Module) -> int:
    return sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())


class Pair(nn.Module):
    """A convolution and its normalisation, with ``between`` deciding what happens to the convolution's output."""

    def __init__(self, between: Callable[[Pair, Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.between = between
        self.kept: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        return self.between(self, self.conv(images))


@pytest.mark.parametrize(
    ("layer", "norm", "inputs"),
    [
        (nn.Conv1d(4, 6, 3), nn.BatchNorm1d(6), torch.randn(2, 4, 9)),
        (nn.Conv2d(4, 6, 3, groups=2, bias=False), nn.BatchNorm2d(6), IMAGES),
        (nn.Conv3d(2, 4, 2), nn.BatchNorm3d(4), torch.randn(1, 2, 4, 4, 4)),
        (nn.ConvTranspose2d(4, 6, 3, stride=2), nn.BatchNorm2d(6), IMAGES),
        (nn.Linear(5, 7), nn.BatchNorm1d(7), torch.randn(6, 5)),
        (nn.Linear(5, 7, bias=False), nn.BatchNorm1d(7, affine=False), torch.randn(6, 5)),
        (nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6, affine=False), IMAGES),
    ],
    ids=["conv1d", "grouped", "conv3d", "transposed", "linear", "plain-linear", "no-affine"],
)
def test_each_kind_of_pair_is_folded(layer: nn.Module, norm: nn.Module, inputs: Tensor, tmp_path: Path) -> None:
    assert norms(folded(nn.Sequential(layer, norm, nn.ReLU()), inputs, tmp_path)) == 0


def test_only_the_pairs_of_a_larger_net_are_folded(tmp_path: Path) -> None:
    model = nn.Sequential(
        nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1)
    )
    assert norms(folded(model, IMAGES, tmp_path)) == 2


def _keep(pair: Pair, features: Tensor) -> Tensor:
    pair.kept = features
    return pair.norm(features)


@pytest.mark.parametrize(
    "between",
    [
        lambda pair, features: pair.norm(features) + features,
        lambda pair, features: torch.stack((pair.norm(features), features.detach())),
        lambda pair, features: pair.norm(features.relu()),
        lambda pair, features: pair.norm(pair.conv(features)),
        lambda pair, features: pair.norm(features) + pair.norm(features),
        lambda pair, features: pair.norm(features) + pair.conv.weight.sum(),
        _keep,
    ],
    ids=["residual", "view", "changed", "conv-twice", "norm-twice", "weight-read", "stored"],
)
def test_what_is_used_elsewhere_is_left_alone(between: Callable[[Pair, Tensor], Tensor], tmp_path: Path) -> None:
    with pytest.raises(CandidateFailed, match="no batch normalisation"):
        folded(Pair(between), IMAGES, tmp_path)


def test_an_output_that_is_returned_too_is_left_alone(tmp_path: Path) -> None:
    model = Pair(lambda pair, features: (pair.norm(features), features)).eval()
    given = Workload.of(model, inputs=IMAGES)
    with pytest.raises(CandidateFailed, match="no batch normalisation"):
        technique("fold_batchnorm").apply(given, technique("fold_batchnorm").config(), Context(tmp_path, HARDWARE))


def test_a_path_that_only_some_inputs_take_is_seen_in_the_data(tmp_path: Path) -> None:
    model = Pair(lambda pair, features: pair.norm(features) if features.shape[0] == 3 else features)
    with pytest.raises(CandidateFailed, match="no batch normalisation"):
        folded(model, IMAGES, tmp_path, data=[IMAGES, IMAGES[:2]])


def test_a_normalisation_over_positions_is_not_one_over_channels(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7))
    with pytest.raises(CandidateFailed, match="no batch normalisation"):
        folded(model, torch.randn(2, 7, 5), tmp_path)


def test_grouped_transposed_convolutions_are_left_alone(tmp_path: Path) -> None:
    model = nn.Sequential(nn.ConvTranspose2d(4, 6, 3, groups=2), nn.BatchNorm2d(6))
    with pytest.raises(CandidateFailed, match="no batch normalisation"):
        folded(model, IMAGES, tmp_path)


def test_batch_statistics_are_left_alone(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, track_running_stats=False))
    with pytest.raises(CandidateFailed, match="no batch normalisation"):
        folded(model, IMAGES, tmp_path)


def test_a_hook_keeps_its_layer_as_it_is(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
    model[0].register_forward_hook(lambda module, args, output: output + 1)
    assert norms(folded(model, IMAGES, tmp_path)) == 1


def test_a_parametrized_layer_is_left_alone(tmp_path: Path) -> None:
    model = nn.Sequential(parametrizations.weight_norm(nn.Conv2d(4, 4, 1)), nn.BatchNorm2d(4))
    verdict = technique("fold_batchnorm").applies_to(Workload.of(model, inputs=IMAGES), HARDWARE)
    assert not verdict.applies
    assert "no plain convolution" in verdict.reason


def test_without_normalisation_it_says_so() -> None:
    verdict = technique("fold_batchnorm").applies_to(Workload.of(nn.Linear(2, 2), inputs=torch.randn(1, 2)), HARDWARE)
    assert verdict.reason == "the model has no batch normalisation"
