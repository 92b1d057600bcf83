"""Several trials at once, several processes on one study: none lost, none doubled, a dead one's trial made again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest

import tauto
from tauto.cli.loader import load
from tauto.errors import InvalidArgument
from tauto.execution import shares_of
from tauto.tuning.hyperparameters.search import ASKED
from tauto.tuning.study.identity import ATTRIBUTE
from tauto.verbs.worker import work

ROOT = Path(__file__).resolve().parents[2]
TRAIN = """\
import os, time, tauto
from pathlib import Path
def objective():
    x = tauto.suggest.float("x", 0, 1)
    while "HOLD" in os.environ or not Path("go").exists():
        time.sleep(0.05)
    if x > 0.9:
        raise ValueError("too far")
    return x
"""


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("TAUTO_STORAGE", raising=False)


def terminal(*words: str, **environment: str) -> subprocess.Popen[str]:
    """Start ``tauto`` in the working folder."""
    code = "from tauto.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_trials_run_at_once_each_on_its_own_cores(tmp_path: Path) -> None:
    def objective() -> float:
        import torch

        x = tauto.suggest.int("x", 0, 100)
        begun = time.time()
        time.sleep(0.5)
        told = [begun, time.time(), sorted(os.sched_getaffinity(0)), torch.get_num_threads()]
        (tmp_path / f"{os.getpid()}.json").write_text(json.dumps(told))
        return x

    result = tauto.tune(objective, trials=5, workers=2)
    assert [one.state for one in result.trials] == ["complete"] * 5
    spans = [json.loads(file.read_text()) for file in tmp_path.glob("*.json")]
    assert len(spans) == 5
    pairs = [(one, other) for one in spans for other in spans if one[0] < other[0] < one[1]]
    assert pairs, "no two ran at once"
    share = max(1, len(os.sched_getaffinity(0)) // 2)
    for one, other in pairs:
        assert share == 1 or not set(one[2]) & set(other[2])
    assert {(len(one[2]), one[3]) for one in spans} == {(share, min(share, spans[0][3]))}
    assert any("2 trials ran side by side" in note for note in result.notes)


def test_shares_are_equal_and_of_a_core_at_least() -> None:
    assert [one.cores for one in shares_of(2, tuple(range(4)))] == [(0, 1), (2, 3)]
    assert [one.cores for one in shares_of(3, (4, 5))] == [(4,), (5,), (4,)]
    assert shares_of(1, (0, 1))[0].cores is None
    assert shares_of(1)[0].memory_limit_bytes is None
    assert shares_of(4)[0].memory_limit_bytes < 1.01 * shares_of(2)[0].memory_limit_bytes / 2 * 1.2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"workers": 0}, "workers: 0 is no whole number from 1"),
        ({"workers": "two"}, "workers: 'two'"),
        ({"workers": True}, "workers: True"),
        ({"executor": "lokal"}, "executor: there is no 'lokal'. Did you mean 'local'"),
        ({"executor": "local:8"}, "executor: there is no 'local:8'"),
    ],
)
def test_executors_that_there_are_not(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        tauto.tune(lambda: 0.0, trials=1, **given)


def test_several_processes_share_a_study_and_a_killed_one_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    at = ["--study", "many", "--storage", "many.db"]
    driver = terminal("tune", "train.py:objective", "--trials", "10", *at, "--workers", "2")

    def trials() -> list[optuna.trial.FrozenTrial]:
        try:
            return optuna.load_study(study_name="many", storage=f"sqlite:///{tmp_path / 'many.db'}").trials
        except Exception:  # the file or its tables are not there yet
            return []

    def of(process: subprocess.Popen[str]) -> list[optuna.trial.FrozenTrial]:
        return [one for one in trials() if one.user_attrs.get("tauto:owner", {}).get("pid") == process.pid]

    def wait_for_trials(count: int, process: subprocess.Popen[str]) -> None:
        while sum(bool(one.params) for one in of(process)) < count:
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)

    wait_for_trials(2, driver)
    worker = terminal("worker", "train.py:objective", *at)
    doomed = terminal("worker", "train.py:objective", *at, HOLD="1")
    wait_for_trials(1, worker)
    wait_for_trials(1, doomed)
    doomed.kill()
    doomed.communicate()
    (tmp_path / "go").touch()
    for process in (driver, worker):
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told
    ended = [one for one in trials() if one.state.name == "COMPLETE" or "tauto:reason" in one.user_attrs]
    (lost,) = (one for one in trials() if one not in ended)
    assert len(ended) == 10, "as many as were asked for, over all processes"
    assert all(one.state.is_finished() for one in trials())
    again = [one for one in ended if one.system_attrs.get("failed_trial") == lost.number]
    assert [one.params for one in again] == [lost.params]
    shown = tauto.studies("many", storage="many.db")
    assert [one.machine for one in shown.trials] == [next(iter(shown.report.machines))] * 11


def test_a_worker_that_does_not_belong_there_is_refused_by_name() -> None:
    def objective() -> float:
        return tauto.suggest.float("x", 0, 1)

    with pytest.raises(InvalidArgument, match=r"there is none called 'mine'.*begins it"):
        work(objective, study="mine", wait=0)
    tauto.tune(objective, trials=1, study="mine")
    assert work(objective, study="mine").stopped == "all 1 trials that were asked for have ended"
    assert len(work(objective, study="mine", trials=2).trials) == 2

    with pytest.raises(InvalidArgument, match="'<lambda>', 'objective' changed since 'mine'"):
        work(lambda: tauto.suggest.float("x", 0, 1), study="mine")
    study = optuna.load_study(study_name="mine", storage=f"sqlite:///{os.environ['TAUTO_STORE']}/studies.db")
    asked = study.user_attrs[ASKED]
    for name in ("torch", "TAuto"):
        study.set_user_attr(ASKED, {**asked, "versions": {**asked["versions"], name: "1.0"}})
        with pytest.raises(InvalidArgument, match=f"is searched with {name} 1.0, and here"):
            work(objective, study="mine", trials=3)
    study.set_user_attr(ATTRIBUTE, {**study.user_attrs[ATTRIBUTE], "torch": "1.0"})
    study.set_user_attr(ASKED, {name: value for name, value in asked.items() if name != "versions"})
    with pytest.raises(InvalidArgument, match=r"is searched with torch 1\.0, and here"):
        work(objective, study="mine", trials=3)
    assert len(tauto.tune(objective, trials=3, study="mine").notes) == 1, "who searches may go on, and is told"
    assert len(work(objective, study="mine", trials=4).trials) == 4, "and then with a worker like itself"


def test_a_worker_may_have_a_time_of_its_own_and_goes_when_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "go").touch()
    objective, _, _ = load("train.py:objective", "objective")
    for name in ("timed", "s"):
        tauto.tune(objective, trials=1, study=name, storage="s.db")
    timed = work(objective, study="timed", storage="s.db", trials=500, budget="1s")
    assert timed.stopped == "the time was up"
    (tmp_path / "go").unlink()
    at = ["--study", "s", "--storage", "s.db"]
    stopped = terminal("worker", "train.py:objective", *at, "--trials", "500")
    while tauto.studies("s", storage="s.db").trials[-1].state != "running":
        assert stopped.poll() is None, stopped.communicate()
        time.sleep(0.2)
    stopped.terminate()
    stopped.communicate(timeout=60)
    assert stopped.returncode == 130
    states = [one.state for one in tauto.studies("s", storage="s.db").trials]
    assert "running" not in states
    assert states[-1] == "waiting", "the trial was put back"
