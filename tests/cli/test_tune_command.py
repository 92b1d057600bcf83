"""``tauto tune`` and ``tauto studies`` as a shell sees them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tauto.cli.studies import _own
from tauto.errors import InvalidArgument

MINE = """\
import tauto
def objective():
    return {"loss": (tauto.suggest.float("x", -5, 5) - 1) ** 2, "mb": 1.0}
def needs(trial):
    return 0.0
def raises():
    raise ValueError("no data")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("TAUTO_STORAGE", raising=False)
    (tmp_path / "mine.py").write_text(MINE)
    yield tmp_path
    sys.modules.pop("mine", None)


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    from tauto.cli import main

    monkeypatch.setattr(sys, "argv", ["tauto", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_study_is_begun_resumed_exported_and_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = ["tune", "mine.py:objective", "--trials", "2", "--direction", "loss=minimize", "--study", "my study"]
    assert _run(monkeypatch, *begin, "--constraint", "mb <= 5", "--report", "s.json") == 0
    assert "minimize loss, mb <= 5" in capsys.readouterr().out
    assert len(json.loads((folder / "s.json").read_text())["trials"]) == 2
    assert _run(monkeypatch, "studies", "resume", "my study", "--trials", "3") == 0
    assert "1 now, 2 before" in capsys.readouterr().out
    assert _run(monkeypatch, "studies", "list") == 0
    assert "minimize loss" in capsys.readouterr().out
    assert _run(monkeypatch, "studies", "export", "my study", "s.csv") == 0
    assert (folder / "s.csv").read_text().startswith("number,state,param.x,loss,seconds,reason,machine\n0,complete,")
    assert _run(monkeypatch, "studies", "show", "t") == 2
    assert "there is none called 't'" in capsys.readouterr().err
    assert _run(monkeypatch, "studies", "delete", "my study") == 0
    assert "Deleted my study with 3 trials" in capsys.readouterr().out
    assert _run(monkeypatch, "tune", "mine.py:raises", "--trials", "2") == 1
    assert "raised ValueError: no data" in capsys.readouterr().out


def test_a_search_that_broke_ends_in_another_exit_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "import os, tauto\ndef gone():\n    tauto.suggest.float('x', 0, 1)\n    os.remove('a.db')\n    return 1.0\n"
    (folder / "gone.py").write_text(lines)
    assert _run(monkeypatch, "tune", "gone.py:gone", "--trials", "3", "--storage", "a.db") == 1
    assert "the storage failed: a.db: the file is gone" in " ".join(capsys.readouterr().out.split())


def test_a_name_with_a_space_is_quoted_in_a_line_to_paste() -> None:
    with pytest.raises(InvalidArgument, match=r"Name the code: tauto studies resume 'my study' file\.py:function"):
        _own("", "my study")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("tune mine.py:needs", "cannot be called without arguments"),
        ("tune mine.py:objectiv", "Did you mean 'objective'"),
        ("tune mine.py:objective --direction up", "direction: there is no 'up'"),
        ("tune mine.py:objective --storage postgresql://me:op@nsesame@host/x", "storage: what is given is no URL"),
        ("tune mine.py:objective --study s --resume --trials 1", "there is none called 's'"),
        ("tune mine.py:objective --report found.xml", "--report: end the name in"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    assert _run(monkeypatch, *line.split()) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("tauto: ")
    assert says in last
    assert "nsesame" not in last
