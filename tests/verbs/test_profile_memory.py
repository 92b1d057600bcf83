"""Memory over time of what :func:`tauto.profile` profiles."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import tauto
from tauto.config import Settings
from tauto.hardware import Ceilings, Hardware
from tauto.hardware.ceilings import save_ceilings
from tauto.reports import ProfileReport
from tauto.results.last import forget_last

X = torch.randn(64, 32)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAUTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    ceilings = Ceilings({"float32": 1e4}, 1e4, 1e3, "2026-01-01T00:00:00+00:00", Hardware.current().fingerprint)
    save_ceilings(Settings.current().cache, ceilings)
    forget_last()


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(32, 64), nn.Tanh(), nn.Linear(64, 4))


def test_memory_is_in_every_profile_and_whole_when_asked_for() -> None:
    brief, whole = tauto.profile(net(), X), tauto.profile(net(), X, memory=True)
    for result in (brief, whole):
        assert result.report.memory is not None
        assert "What the peak is made of" in repr(result)
    assert "Where memory is allocated" in repr(whole)
    assert "Where memory is allocated" not in repr(brief)


def test_with_stacks_every_site_has_its_line() -> None:
    timeline = tauto.profile(net(), X, stacks=True).report.memory
    assert timeline is not None
    assert timeline.sites
    assert all(site.line for site in timeline.sites)


def test_a_block_takes_both_and_its_report_survives_its_json() -> None:
    model = net()
    with tauto.profile(names={"model": model}, memory=True, stacks=True) as session:
        for _ in range(5):
            model(X).sum().backward()
    report = session.result.report
    assert report.memory is not None
    assert report.memory.peak.by_category["gradients"] > 0
    assert ProfileReport.from_dict(report.to_dict()) == report
