"""``tauto compile`` as a shell sees it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reports_by_hand import tuning

MINE = """\
import torch
from torch import nn
model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval()
rows = [torch.randn(2, 4)]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    (tmp_path / "mine.py").write_text(MINE)
    yield tmp_path
    sys.modules.pop("mine", None)


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    from tauto.cli import main

    monkeypatch.setattr(sys, "argv", ["tauto", "compile", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(("line", "dynamic"), [("--dynamic", True), ("--static", False), ("", None)])
def test_its_options_reach_the_verb(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, dynamic: bool | None
) -> None:
    import tauto
    from tauto.results import TuningResult

    calls: list[Any] = []
    monkeypatch.setitem(vars(tauto), "compile", lambda model, **given: calls.append(given) or TuningResult(tuning()))
    assert _run(monkeypatch, *f"mine.py:model --data rows --mode freezing {line} --recipe r.yaml".split()) == 0
    (given,) = calls
    assert (given["mode"], given["dynamic"], given["budget"]) == ("freezing", dynamic, "10min")
    assert len(given["data"]) == 1
    assert (folder / "r.yaml").exists()
    assert "Improved: 3.38× faster" in capsys.readouterr().out


def test_a_mistake_is_one_line_and_exit_code_2(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, *["mine.py:model", "--data", "rows", "--mode", "freezin"]) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("tauto: mode: there is no 'freezin'. Did you mean 'freezing'")
