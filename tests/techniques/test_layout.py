from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques import Context, technique
from tauto.techniques.technique import Config
from tauto.workload import Workload

HARDWARE = Hardware.current()
LAYOUT = technique("channels_last")


class Spy(nn.Module):
    def __init__(self, layer: nn.Module, last: torch.memory_format) -> None:
        super().__init__()
        self.layer, self.last, self.was_last = layer, last, False

    def forward(self, images: Tensor) -> Tensor:
        self.was_last = images.is_contiguous(memory_format=self.last)
        return self.layer(images).flatten(2)


@pytest.mark.parametrize(
    ("layer", "shape", "last"),
    [
        (nn.Conv2d(3, 4, 3), (2, 3, 6, 6), torch.channels_last),
        (nn.Conv3d(3, 4, 3), (2, 3, 4, 4, 4), torch.channels_last_3d),
    ],
)
def test_it_works_channels_last_and_answers_as_before(
    layer: nn.Module, shape: tuple[int, ...], last: torch.memory_format, tmp_path: Path
) -> None:
    images = torch.randn(shape)
    model = Spy(layer, last)
    changed = LAYOUT.apply(Workload.of(model, inputs=images), Config(), Context(tmp_path, HARDWARE))
    with torch.no_grad():
        found, expected = changed(images), model(images)
    assert changed.module.was_last
    assert not model.was_last
    assert changed.module.layer.weight.is_contiguous(memory_format=last)
    assert found.stride() == expected.stride()
    torch.testing.assert_close(found, expected)
    assert torch.equal(pickle.loads(pickle.dumps(changed))(images), found)


def test_a_model_that_views_its_features_fails_in_its_own_words(tmp_path: Path) -> None:
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, images: Tensor) -> Tensor:
            return self.conv(images).view(images.shape[0], -1)

    given = Workload.of(Views(), inputs=torch.randn(2, 3, 6, 6))
    with pytest.raises(CandidateFailed, match="view"):
        LAYOUT.apply(given, Config(), Context(tmp_path, HARDWARE))


def test_without_convolutions_it_says_so() -> None:
    given = Workload.of(nn.Conv1d(2, 2, 1), inputs=torch.randn(1, 2, 3))
    assert "no 2-d or 3-d convolution" in LAYOUT.applies_to(given, HARDWARE).reason
