"""A profile shown in another order, and set against an earlier one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import tauto
from tauto.config import Settings
from tauto.errors import InvalidArgument
from tauto.hardware import Ceilings, Hardware
from tauto.hardware.ceilings import save_ceilings
from tauto.results import ProfileComparisonResult
from tauto.results.last import forget_last


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    ceilings = Ceilings({"float32": 1e4}, 1e4, 1e3, "2026-01-01T00:00:00+00:00", Hardware.current().fingerprint)
    save_ceilings(Settings.current().cache, ceilings)
    forget_last()
    yield
    forget_last()


def net(norms: bool = True) -> nn.Module:
    layers = []
    for _ in range(4):
        layers += [nn.Linear(8, 8), *([nn.BatchNorm1d(8)] if norms else []), nn.ReLU()]
    return nn.Sequential(*layers)


X = torch.zeros(4, 8)


def test_previous_is_the_last_profile_of_the_process_then_of_the_store():
    with pytest.raises(InvalidArgument, match="nothing was profiled before"):
        tauto.profile(net(), X, against="previous")
    first = tauto.profile(net(), X)
    again = tauto.profile(net(), X, against="previous")
    assert again.before == first.report
    forget_last()
    stored = tauto.profile(net(), X, against="previous")
    assert stored.before == again.report


def test_what_was_removed_is_named_gone_and_the_rest_is_matched():
    first = tauto.profile(net(), X, name="net")
    second = tauto.profile(net(norms=False), X, name="net", against=first)
    moved = second.against(first)
    assert isinstance(moved, ProfileComparisonResult)
    gone = [change for change in moved.modules if change.match == "gone"]
    assert [change.kind for change in gone] == ["BatchNorm1d"] * 4
    assert not [change for change in moved.modules if change.match in ("new", "replaced")]
    text = repr(second)
    assert "What moved, by module" in text
    assert "Two profiles of net: what moved" in text


def test_a_saved_report_and_what_is_none(tmp_path):
    first = tauto.profile(net(), X)
    saved = first.save(tmp_path / "first.json")
    assert tauto.profile(net(), X, against=saved).before == first.report
    for wrong, words in ((3, "an int is no profile"), ("nowhere.json", "cannot be read")):
        with pytest.raises(InvalidArgument, match=words):
            tauto.profile(net(), X, against=wrong)
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InvalidArgument, match="is no JSON"):
        tauto.profile(net(), X, against=tmp_path / "broken.json")
    with pytest.raises(InvalidArgument, match="is no profile"):
        first.against(3)


def test_the_order_is_checked_before_anything_runs():
    class Never(nn.Module):
        def forward(self, x):
            raise AssertionError("it must not run")

    with pytest.raises(InvalidArgument, match=r"sort: 'totl' is none of .* Did you mean 'total'"):
        tauto.profile(Never(), X, sort="totl")
    with pytest.raises(InvalidArgument, match="depth: -1"):
        tauto.profile(Never(), X, depth=-1)


def test_the_view_cuts_what_is_shown_and_not_the_report():
    result = tauto.profile(nn.Sequential(net(), net()), X, sort="self", depth=1)
    assert "longest by itself first" in repr(result)
    assert "×" not in repr(result.table(fold=False))
    assert max(row.depth for row in result.modules) == 2
    assert "ReLU" not in repr(result.table(depth=1))
