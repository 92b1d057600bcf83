"""Trials whose process was killed: made again once, at once, and told of."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from optuna.trial import TrialState
from study_by_hand import study

import tauto
from tauto.hardware import Hardware
from tauto.rendering import study as page
from tauto.tuning.hyperparameters.account import trials_of
from tauto.tuning.hyperparameters.answers import TrialAnswers
from tauto.tuning.hyperparameters.goal import Goal
from tauto.tuning.hyperparameters.knobs import Knob
from tauto.tuning.study import (
    Identity,
    Opened,
    StorageUrl,
    mark_owner,
    open_study,
    quiet,
    retry_interrupted,
    storage_of,
)
from tauto.tuning.study.interrupted import OWNER


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    where = StorageUrl.parse(tmp_path / "studies.db")
    with storage_of(where) as storage:
        yield open_study(storage, where, "mine", ["maximize"], Identity("tune", "objective", {}, ("maximize value",)))


def dies(opened: Opened, process: subprocess.Popen[bytes]) -> None:
    """Let ``process``, which has ended, be the one that ran the next trial."""
    with quiet():
        trial = opened.study.ask()
    trial.suggest_float("x", 0, 1)
    mark_owner(trial, opened.storage, Hardware.current(), "")
    owner = {**trial.user_attrs[OWNER], "pid": process.pid, "started": psutil.Process(process.pid).create_time()}
    trial.set_user_attr(OWNER, owner)
    retry_interrupted(opened.study, opened.storage)


def test_a_trial_is_made_again_once_and_then_given_up(opened: Opened) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:  # nobody has asked how it ended
            time.sleep(0.01)
        dies(opened, process)
        dies(opened, process)
    states = [one.state for one in opened.study.trials]
    assert states == [TrialState.FAIL, TrialState.FAIL], "not put back a second time"
    first, second = trials_of(opened.study.trials, Goal.parse("maximize"))
    assert first.params == second.params
    assert first.reason == "the process that ran it ended; trial 1 makes it again"
    assert second.reason == "the process that ran it ended; interrupted twice, it is given up"
    assert (first.seconds, second.seconds) == (None, None), "nobody knows when it ended"


def test_the_page_says_what_becomes_of_it() -> None:
    report = study()
    lost = next(one for one in report.trials if one.state == "interrupted")
    told = replace(lost, reason="was stopped; trial 5 makes it again")
    words = str(page.document(replace(report, trials=(told,), best=None)))
    assert "interrupted: was stopped; trial 5 makes it again" in words


def test_a_trial_that_waited_for_the_storage_is_not_blamed_for_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    ask, slow = TrialAnswers.ask, iter([3.0])

    def asks(self: TrialAnswers, knob: Knob) -> object:
        time.sleep(next(slow, 0.0))  # as another process's lock of the database does
        return ask(self, knob)

    monkeypatch.setattr(TrialAnswers, "ask", asks)
    trials = tauto.tune(lambda: tauto.suggest.float("x", 0, 1), trials=1, trial_limit="2s", storage="a.db").trials
    assert [one.state for one in trials] == ["interrupted", "complete"]
    assert trials[0].reason.startswith("the process was kept waiting by the storage until its time was up; trial 1")
