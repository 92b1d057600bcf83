"""``tauto decode`` as a shell sees it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

MINE = """\
import sys
sys.path.insert(0, {tests!r})
from decoders import growing, prompt
decoder = growing(layers=1)
model = decoder.model
ids = prompt()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    (tmp_path / "mine.py").write_text(MINE.format(tests=str(Path(__file__).parents[1])))
    yield tmp_path
    sys.modules.pop("mine", None)


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    from tauto.cli import main

    monkeypatch.setattr(sys, "argv", ["tauto", "decode", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_it_tells_the_rates_and_writes_report_and_script(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "mine.py:decoder --inputs ids --lengths 4,8 --ways dynamic --budget 3min --report found.json --script s.py"
    assert _run(monkeypatch, *line.split()) == 0
    written = json.loads((folder / "found.json").read_text())
    assert {row["key"]: row["status"] for row in written["rows"]}["none"] == "original"
    assert written["wanted"] == [4, 8]
    assert "Tokens a second" in capsys.readouterr().out
    compile((folder / "s.py").read_text(), "s.py", "exec")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("mine.py:decoder --inputs ids --ways dynamc", "Did you mean 'dynamic'"),
        ("mine.py:decoder --inputs ids --lengths many", "lengths: 'many' are no numbers"),
        ("mine.py:decoder --inputs ids --target fast", "target: 'fast' is no speedup"),
        ("mine.py:decoder --inputs id", "Did you mean 'ids'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    assert _run(monkeypatch, *line.split()) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("tauto: ")
    assert says in last
