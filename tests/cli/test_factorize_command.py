"""``tauto factorize`` as a shell sees it."""

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
model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
rows = [(torch.randn(2, 4), torch.tensor([0, 1]))]
loss = nn.CrossEntropyLoss()
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

    monkeypatch.setattr(sys, "argv", ["tauto", "factorize", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_its_options_reach_the_verb(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import tauto
    from tauto.results import TuningResult

    calls: list[Any] = []
    monkeypatch.setitem(
        vars(tauto), "factorize", lambda model, **given: calls.append((model, given)) or TuningResult(tuning())
    )
    line = "mine.py:model --data rows --loss loss --energy 0.7 --keep 0,2 --epochs 1 --objective size --recipe r.yaml"
    assert _run(monkeypatch, *line.split()) == 0
    (model, given), *_ = calls
    assert type(given["loss"]).__name__ == "CrossEntropyLoss"
    assert len(given["data"]) == 1
    assert (given["energy"], given["keep"], given["epochs"], given["objective"]) == (0.7, ("0", "2"), 1, "size")
    assert type(model).__name__ == "Sequential"
    assert (folder / "r.yaml").read_text().startswith("recipe: 1")
    assert "Improved: 3.38× faster" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("mine.py:model --data rows --energy 2", "energy: 2.0 is no share"),
        ("mine.py:model --data rows --energy 0.9 --size 1kB", "energy and size are given"),
        ("mine.py:model --data rows --keep head", "keep: there is no layer 'head'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    assert _run(monkeypatch, *line.split()) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("tauto: ")
    assert says in last
