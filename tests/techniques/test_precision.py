from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques import Context, technique
from tauto.techniques.precision import PrecisionConfig
from tauto.workload import Workload

HARDWARE = Hardware.current()


class Mixed(nn.Module):
    """Remembers the types it is called with; holds positions that must stay integers."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("positions", torch.arange(3))
        self.seen: list[torch.dtype] = []

    def forward(self, values: Tensor, times: Tensor, mask: Tensor) -> dict[str, Tensor]:
        self.seen = [values.dtype, times.dtype, mask.dtype]
        return {"out": self.linear(values), "times": times, "mask": mask, "positions": self.positions}


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
@pytest.mark.parametrize("mode", ["cast", "autocast"])
def test_only_float32_is_lowered_and_comes_back(name: str, mode: str, tmp_path: Path) -> None:
    inputs = (torch.randn(2, 4), torch.rand(2, dtype=torch.float64), torch.tensor([True, False]))
    model = Mixed()
    given = Workload.of(model, inputs=inputs)
    changed = technique(name).apply(given, PrecisionConfig(mode), Context(tmp_path, HARDWARE))
    with torch.no_grad():
        found, expected = changed(*inputs), model(*inputs)
    assert {key: value.dtype for key, value in found.items()} == {key: value.dtype for key, value in expected.items()}
    assert not torch.equal(found["out"], expected["out"])
    torch.testing.assert_close(found["out"], expected["out"], rtol=0.05, atol=0.05)
    lowered = getattr(torch, name) if mode == "cast" else torch.float32
    assert changed.module.seen == [lowered, torch.float64, torch.bool]
    assert changed.module.linear.weight.dtype == lowered
    assert changed.module.positions.dtype == torch.int64


def test_a_model_of_another_precision_is_left_alone(tmp_path: Path) -> None:
    given = Workload.of(nn.Linear(2, 2, dtype=torch.float64), inputs=torch.randn(1, 2, dtype=torch.float64))
    verdict = technique("bfloat16").applies_to(given, HARDWARE)
    assert "float64 weights" in verdict.reason
    with pytest.raises(CandidateFailed, match="float32"):
        technique("bfloat16").apply(given, PrecisionConfig(), Context(tmp_path, HARDWARE))


def test_a_model_that_mixes_types_by_itself_fails_in_its_own_words(tmp_path: Path) -> None:
    class Stubborn(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, values: Tensor) -> Tensor:
            return self.linear(values.float())

    given = Workload.of(Stubborn(), inputs=torch.randn(2, 4))
    with pytest.raises(CandidateFailed, match="refuses its example inputs: RuntimeError: mat1 and mat2"):
        technique("bfloat16").apply(given, PrecisionConfig(), Context(tmp_path, HARDWARE))


def test_float16_says_why_not_on_a_cpu_without_it() -> None:
    given = Workload.of(nn.Linear(2, 2), inputs=torch.randn(1, 2))
    there = technique("float16").applies_to(given, dataclasses.replace(HARDWARE, instruction_sets=frozenset({"NEON"})))
    assert there.applies
    here = technique("float16").applies_to(given, dataclasses.replace(HARDWARE, instruction_sets=frozenset()))
    assert here.applies == bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())
    assert here.applies or "no float16 arithmetic" in here.reason
