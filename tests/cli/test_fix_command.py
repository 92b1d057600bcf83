"""``tauto fix``, and what the terminal proposes after a profile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from reports_by_hand import fix_report, profile

import tauto as package
from tauto.config import front_end
from tauto.reports import Finding, Fix
from tauto.results import FixResult, ProfileResult
from tauto.store import Store
from tauto.workload import seen

SCRIPT = "import torch\nnet = torch.nn.Linear(4, 2)\nx = torch.zeros(3, 4)\n"
THREADS = Finding(
    "threads", "Few threads", "One.", "%tauto_fix threads", "torch.set_num_threads(2)", fix=Fix("threads", "")
)
LAST = replace(profile(), subject="net", findings=(replace(THREADS, rule="other"), THREADS))

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    (tmp_path / "train.py").write_text(SCRIPT)

    def command(*arguments: str) -> tuple[int, str, str]:
        from tauto.cli import main

        monkeypatch.setattr(sys, "argv", ["tauto", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capfd.readouterr()

    return command


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Notes what would be tried, and on which profile."""
    seen: list[tuple[Any, ...]] = []

    def apply(self: ProfileResult, finding: object, **given: Any) -> FixResult:
        seen.append((finding, self, given))
        return FixResult(fix_report())

    monkeypatch.setattr(ProfileResult, "apply", apply)
    return seen


@pytest.mark.parametrize(("word", "finding"), [("threads", "threads"), ("2", 2)])
def test_the_finding_is_of_the_last_profile_of_that_model(run: Run, tried: Any, word: str, finding: object) -> None:
    Store().add(LAST)
    Store().add(replace(LAST, subject="another", findings=()))
    code, out, err = run("fix", word, "train.py:net", "--inputs", "x", "--budget", "9s")
    assert (code, err) == (0, "")
    assert "Fix tried" in out
    wanted, result, given = tried[0]
    assert (wanted, given) == (finding, {"budget": "9s"})
    assert result.report == LAST
    # the model as it is in the file now, and what to call it with
    assert isinstance(result.cell.names["net"], torch.nn.Linear)
    assert result.cell.names["_args"][0].shape == (3, 4)
    assert [call.args[0].shape for call in seen.calls_of(result.cell.names["net"])] == [(3, 4)]


def test_without_a_profile_the_model_is_profiled_first(run: Run, tried: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        vars(package), "profile", lambda model, **given: ProfileResult(replace(LAST, subject=given["name"]))
    )
    assert run("fix", "threads", "train.py:net", "--inputs", "x")[0] == 0
    assert tried[0][1].subject == "net"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["fix", "thread", "train.py:net", "--inputs", "x"], "Did you mean 'threads'"),
        (["fix", "7", "train.py:net", "--inputs", "x"], "there is no number 7"),
        (["fix", "threads", "train.py:nett", "--inputs", "x"], "Did you mean 'net'"),
        (["fix", "threads"], "Missing argument 'MODEL'"),
    ],
)
def test_a_mistake_is_one_line(run: Run, arguments: list[str], says: str) -> None:
    Store().add(LAST)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1


def test_the_profile_proposes_commands_and_leaves_no_front_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = front_end()
    monkeypatch.setitem(vars(package), "profile", lambda model, **given: ProfileResult(LAST))
    code, out, _ = run("profile", "train.py:net", "--inputs", "x")
    assert code == 0
    assert "tauto fix threads train.py:net --inputs x" in out
    assert "%tauto" not in out
    assert front_end() is before
