from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch._inductor.config
from torch import nn

from tauto.errors import RecipeError
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.techniques import Context, technique
from tauto.techniques.quantization.dynamic import Int8DynamicConfig
from tauto.workload import Workload

HARDWARE = Hardware.current()
INT8 = technique("int8_dynamic")


class Mixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 16, batch_first=True)
        self.head = nn.Linear(16, 4)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(values)[0])


def test_only_linear_layers_hold_int8(tmp_path: Path) -> None:
    given = Workload.of(Mixed(), inputs=torch.randn(2, 3, 8))
    changed = INT8.apply(given, Int8DynamicConfig(), Context(tmp_path, HARDWARE))
    assert changed.head.weight.qdata.dtype == torch.int8
    assert all(type(parameter) is nn.Parameter for parameter in changed.lstm.parameters())
    assert type(given.model.head.weight.data) is torch.Tensor


def test_extremes_do_not_overflow(tmp_path: Path) -> None:
    model = nn.Linear(64, 4, bias=False)
    nn.init.constant_(model.weight, 1.0)
    given = Workload.of(model, inputs=torch.ones(2, 64))
    changed = INT8.apply(given, Int8DynamicConfig(), Context(tmp_path, HARDWARE))
    torch.testing.assert_close(changed(torch.ones(2, 64)), torch.full((2, 4), 64.0), rtol=0.02, atol=0.1)


def test_it_leaves_the_compilers_settings_and_the_screen_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = torch._inductor.config.save_config()
    INT8.apply(Workload.of(nn.Linear(4, 4), inputs=torch.randn(1, 4)), Int8DynamicConfig(), Context(tmp_path, HARDWARE))
    assert torch._inductor.config.save_config() == before
    assert capfd.readouterr() == ("", "")


def test_without_linear_layers_it_says_so() -> None:
    given = Workload.of(nn.Conv1d(2, 2, 1), inputs=torch.randn(1, 2, 3))
    assert "no plain linear layer" in INT8.applies_to(given, HARDWARE).reason


def test_compiling_comes_after_and_16_bits_do_not_go_with_it() -> None:
    assert Recipe.of("int8_dynamic", "compile").title.startswith("int8_dynamic → compile")
    with pytest.raises(RecipeError, match="must come after"):
        Recipe.of("compile", "int8_dynamic")
    with pytest.raises(RecipeError, match="cannot be with"):
        Recipe.of("bfloat16", "int8_dynamic")
