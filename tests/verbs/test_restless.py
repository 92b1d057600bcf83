"""A model whose answers change from call to call is noticed, told, and judged by evaluate alone."""

from __future__ import annotations

import pytest
import torch
from techniques_by_hand import Shortcut, Wasteful, registered

import tauto

pytestmark = pytest.mark.alone

INPUTS = torch.randn(64, 64, generator=torch.Generator().manual_seed(1))
CHANGE = "outputs change from call to call (relative error"


class Drawing(Wasteful):
    def forward(self, x):
        return super().forward(x) + 3 * torch.randn(len(x), 10)


class Counting(Wasteful):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return super().forward(x) * self.calls


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))


@pytest.mark.parametrize("kind", [Drawing, Counting])
def test_its_outputs_prove_nothing(kind):
    torch.manual_seed(0)
    with registered(Shortcut):
        result = tauto.autotune(kind(), inputs=INPUTS, budget="5min")
    assert result.verdict == "improved"
    assert result.report.speed_only
    assert result.confirmed.quality_held is None
    assert CHANGE in result.report.quality_rule
    assert "they prove nothing; give evaluate" in result.report.quality_rule
    assert CHANGE in str(result)


def test_evaluate_alone_judges_it():
    torch.manual_seed(0)
    with registered(Shortcut):
        result = tauto.autotune(Drawing(), inputs=INPUTS, evaluate=lambda model: 1.0, budget="5min")
    assert result.confirmed.quality_held
    assert CHANGE in result.report.quality_rule
    assert result.report.quality_rule.endswith("and are not compared")


def test_one_that_answers_alike_is_not_suspected():
    with registered(Shortcut):
        result = tauto.autotune(Wasteful(), inputs=INPUTS, budget="5min")
    assert CHANGE not in result.report.quality_rule
    assert result.confirmed.quality_held
