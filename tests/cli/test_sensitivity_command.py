"""``tauto sensitivity`` as a shell sees it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

MINE = """\
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4)).eval()
rows = [torch.randn(16, 32) for _ in range(4)]
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

    monkeypatch.setattr(sys, "argv", ["tauto", "sensitivity", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_it_names_the_layers_and_writes_the_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "mine.py:model --data rows --bits 4 --activations none --budget 5min --report found.json"
    assert _run(monkeypatch, *line.split()) == 0
    written = json.loads((folder / "found.json").read_text())
    assert {row["path"] for row in written["rows"]} == {"0", "2"}
    assert (written["bits"], written["activations"]) == (4, "none")
    assert "int4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("mine.py:model --data rows --bits 3", "bits: 3 is not a width"),
        ("mine.py:model --data rows --activations statik", "Did you mean 'static'"),
        ("mine.py:model --data rows --report found.csv", "--report: end the name in"),
        ("mine.py:model --data row", "Did you mean 'rows'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    assert _run(monkeypatch, *line.split()) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("tauto: ")
    assert says in last
