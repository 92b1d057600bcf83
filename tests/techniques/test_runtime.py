from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tauto.errors import RecipeError
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.techniques import Context, technique
from tauto.techniques.runtime import ThreadsConfig
from tauto.workload import Workload

HARDWARE = Hardware.current()
THREADS = technique("threads")


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.fails = False

    def forward(self, values: Tensor) -> tuple[Tensor, int]:
        if self.fails:
            raise RuntimeError("as asked")
        return self.linear(values), torch.get_num_threads()


def test_the_number_holds_during_the_call_and_is_put_back(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    other = before + 1
    given = Workload.of(Counting(), inputs=torch.randn(1, 2))
    changed = THREADS.apply(given, ThreadsConfig(other), Context(tmp_path, HARDWARE))
    assert changed(given.example.args[0])[1] == other
    assert torch.get_num_threads() == before
    changed.module.fails = True
    with pytest.raises(RuntimeError, match="as asked"):
        changed(given.example.args[0])
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("cores", "counts"), [(2, [1]), (4, [1, 2]), (16, [1, 8])])
def test_one_thread_and_half_the_cores_are_tried(
    cores: int, counts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    given = Workload.of(nn.Linear(2, 2), inputs=torch.randn(1, 2))
    space = THREADS.space(given, dataclasses.replace(HARDWARE, cores=cores))
    assert [config.count for config in space] == counts


def test_one_core_leaves_nothing_to_choose() -> None:
    given = Workload.of(nn.Linear(2, 2), inputs=torch.randn(1, 2))
    assert "one core" in THREADS.applies_to(given, dataclasses.replace(HARDWARE, cores=1)).reason


@pytest.mark.parametrize("count", [0, -1, 5000, True, 1.0, "2"])
def test_a_recipe_with_another_number_is_refused(count: object) -> None:
    with pytest.raises(RecipeError, match=r"threads\.(count|config)"):
        Recipe.of(("threads", {"count": count}))


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_engines_with_threads_of_their_own_are_excluded(engine: str) -> None:
    with pytest.raises(RecipeError, match="cannot be with"):
        Recipe.of(engine, "threads")


def test_as_many_threads_as_it_has_are_nothing_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Workload.of(nn.Linear(4, 4), inputs=torch.zeros(1, 4))
    four = dataclasses.replace(HARDWARE, cores=4)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert [config.count for config in THREADS.space(net, four)] == [1]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    answer = THREADS.applies_to(net, four)
    assert not answer.applies
    assert answer.reason == "it runs with 1 thread already"
