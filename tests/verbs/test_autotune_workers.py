"""Candidates prepared side by side, each in its own process: who is best is the same, and a crash harms nobody."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import torch
from techniques_by_hand import Segfaults, Shortcut, Slower, Wasteful, registered

import tauto
from tauto.errors import InvalidArgument


class Meets(Slower):
    """Comes to its end only where another is prepared at the same time."""

    name = "meets"

    def apply(self, workload, config, context):
        place = Path(os.environ["MEETING_PLACE"])
        (place / self.name).touch()
        while len(list(place.iterdir())) < 2:
            time.sleep(0.02)
        return super().apply(workload, config, context)


class MeetsToo(Meets):
    name = "meets_too"


@pytest.mark.alone
def test_two_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("MEETING_PLACE", str(tmp_path / "meeting"))
    (tmp_path / "meeting").mkdir()
    with registered(Shortcut, Meets, MeetsToo, Segfaults):
        result = tauto.autotune(Wasteful(), inputs=torch.randn(64, 64), budget="3min", workers=2)
        with pytest.raises(InvalidArgument, match="workers: 0 is no whole number from 1"):
            tauto.autotune(Wasteful(), inputs=torch.randn(64, 64), workers=0)
    assert result.verdict == "improved"
    ended = {trial.recipe.title: trial for trial in result.trials}
    assert ended["shortcut"].status == "kept"
    assert ended["meets"].comparison is not None
    assert ended["meets_too"].comparison is not None
    assert "SIGSEGV" in ended["segfaults"].reason
    assert "2 candidates, prepared beside each other" in str(result)
    shown = tauto.studies(result.report.study.name)
    assert {one.params["recipe"] for one in shown.trials} >= {"shortcut", "meets", "meets_too", "segfaults"}
    assert {one.machine for one in shown.trials} == {result.report.conditions.fingerprint}
