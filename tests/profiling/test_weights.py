"""Weights whose figures are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tauto.errors import InvalidArgument, ModelError
from tauto.profiling import weights as module
from tauto.profiling.weights import analyse_weights


def test_every_figure_is_as_computed_at_once_also_in_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = nn.Linear(300, 50, bias=False)
    with torch.no_grad():
        layer.weight.normal_(generator=torch.Generator().manual_seed(0))
        layer.weight[3] = 0
        layer.weight[5, 7] = 40
    w = layer.weight.detach().double()
    for chunk in (2**22, 1000, 128):
        monkeypatch.setattr(module, "CHUNK", chunk)
        (row,) = analyse_weights(layer, (0.5,), "net").rows
        assert (row.low, row.high) == (pytest.approx(float(w.min())), 40)
        assert row.deviation == pytest.approx(float(w.std(unbiased=False)), rel=1e-5)
        assert (row.outliers, row.channels, row.dead_channels) == (1, 50, 1)
        assert row.zeros == pytest.approx(300 / 15000)
        assert row.below == (pytest.approx(float((w.abs() <= 0.5).double().mean())),)
        assert sum(row.histogram) == 15000
        scale = 40 / 127
        noise = float(((w / scale).round() * scale - w).square().sum())
        assert row.int8_tensor_db == pytest.approx(10 * math.log10(float(w.square().sum()) / noise), abs=0.01)
        assert row.int8_channel_db is not None
        assert row.int8_channel_db > row.int8_tensor_db + 10
        half = float(w.abs().flatten().sort().values[:7500].square().sum() / w.square().sum())
        assert row.smallest_half == pytest.approx(half, abs=0.01)


def test_shared_weights_count_once_and_every_precision_and_nan_is_read() -> None:
    one = nn.Linear(8, 8, bias=False, dtype=torch.bfloat16)
    two = nn.Linear(8, 8, bias=False)
    two.weight = one.weight
    bad = nn.Linear(8, 8, bias=False, dtype=torch.float16)
    with torch.no_grad():
        bad.weight[0, 0] = math.nan
    report = analyse_weights(nn.Sequential(one, two, bad), (), "net")
    assert [row.name for row in report.rows] == ["0.weight", "2.weight"]
    assert report.rows[0].also == ("1.weight",)
    assert report.rows[1].not_finite == 1
    assert math.isfinite(report.rows[1].deviation)


def test_integers_are_named_and_not_analysed() -> None:
    model = nn.Linear(4, 4)
    model.scales = nn.Parameter(torch.ones(3, dtype=torch.int8), requires_grad=False)
    report = analyse_weights(model, (), "net")
    assert [(one.name, one.reason) for one in report.skipped] == [("scales", "not floating point (int8)")]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (nn.Linear(2, 2, device="meta"), "on the meta device"),
        (nn.ReLU(), "no parameters"),
    ],
)
def test_a_model_without_values_is_one_clear_line(model: nn.Module, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        analyse_weights(model, (), "net")


@pytest.mark.parametrize("threshold", [0, -1.0, math.nan, "a"])
def test_a_threshold_that_is_no_magnitude_is_refused(threshold: float) -> None:
    with pytest.raises(InvalidArgument, match="is not a magnitude"):
        analyse_weights(nn.Linear(2, 2), (threshold,), "net")
