"""``%tauto_runs --panel``."""

from __future__ import annotations

from typing import Any

import reports_by_hand

import tauto
from tauto.store import Store


def test_past_runs_are_shown_in_a_panel_and_more_of_them(shell: Any) -> None:
    store = Store()
    for _ in range(25):
        store.add(reports_by_hand.tuning())
    assert len(shell.run("%tauto_runs").result) == 20
    panel = shell.run("%tauto_runs --panel").result
    assert type(panel).__name__ == "HistoryPanel"
    assert len(panel.result) == 25
    assert len(shell.run("%tauto_runs --panel --limit 3").result.result) == 3
    assert shell.run("%tauto_runs --panel;").result is None
    assert len(tauto.runs()) == 20
