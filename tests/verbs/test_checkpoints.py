"""Trainings within trials go on after a kill -9: what had ended is not done again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from checkpointed_run import INPUTS, STEPS, Loss, batches, net, pruned
from torch import nn

import tauto
from tauto.errors import InvalidArgument
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.tuning.autotuner import Plan
from tauto.tuning.bench import Bench
from tauto.workload import Workload

HERE = Path(__file__).parent


def steps_taken(file: Path) -> int:
    return len(file.read_text()) if file.exists() else 0


def test_a_killed_pruning_goes_on_after_the_steps_that_had_ended(tmp_path, monkeypatch):
    counted, kept = tmp_path / "steps", tmp_path / "kept"
    monkeypatch.setenv("STEPS_TAKEN", str(counted))
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    where = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    command = [sys.executable, str(HERE / "checkpointed_run.py"), str(kept)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": where}, start_new_session=True) as driver:
        while len(list(kept.rglob("*.pt"))) < 2:
            assert driver.poll() is None, "it was done before it was killed"
            time.sleep(0.005)
        os.killpg(driver.pid, signal.SIGKILL)
    assert driver.returncode == -signal.SIGKILL
    before = steps_taken(counted)
    assert STEPS < before <= 3 * STEPS
    no_time = pruned(kept, budget="0.5s")  # which takes nothing away
    assert not any(trial.comparison for trial in no_time.trials)
    gone_on = pruned(kept)
    assert 3 * STEPS <= steps_taken(counted) < 4 * STEPS
    assert re.search(r"in all 30 steps \(\d\d of them before", gone_on.explain())
    assert not list(kept.iterdir())
    whole = pruned(None)
    mine, its = (one.model.state_dict() for one in (gone_on, whole))
    assert all(torch.equal(mine[name], its[name]) for name in its)


def test_a_trial_goes_on_with_what_one_before_it_had_trained(tmp_path, monkeypatch):
    counted = tmp_path / "steps"
    monkeypatch.setenv("STEPS_TAKEN", str(counted))
    workload = Workload.of(net(), inputs=INPUTS[:1], data=batches(), loss=Loss(), trains=True)
    bench = Bench(workload, Hardware.current())
    bench.measure_baseline()
    recipe = Recipe.of(("prune_weights", {"epochs": 2}))
    first = bench.attempt(recipe, wall_limit_s=120, time_cap_s=0.2)
    bench.discard(recipe)  # as a trial that was cut off leaves nothing prepared
    again = bench.attempt(recipe, wall_limit_s=120, time_cap_s=0.2)
    assert steps_taken(counted) == STEPS
    assert (first.failure, again.failure) == (None, None)
    assert any("10 steps (10 of them before, by a checkpoint)" in note for note in again.notes)


def test_a_folder_of_another_call_is_refused_by_what_differs(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPS_TAKEN", str(tmp_path / "steps"))
    place = tmp_path / "kept" / "prune-Sequential"
    place.mkdir(parents=True)
    (place / "call.json").write_text('{"data": "of another"}')
    (place / "one.pt").touch()
    with pytest.raises(InvalidArgument, match=r"holds trainings of another call \(other .*data.*Delete it"):
        tauto.prune(net(), INPUTS[:1], data=batches(), loss=Loss(), checkpoint=tmp_path / "kept")
    for damaged in ("{", "[]"):
        (place / "call.json").write_text(damaged)
        with pytest.raises(InvalidArgument, match=r"call\.json in it is damaged"):
            tauto.prune(net(), INPUTS[:1], data=batches(), loss=Loss(), checkpoint=tmp_path / "kept")
    assert (place / "one.pt").exists()
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArgument, match=r"is no folder that can be used \(Not a directory\)"):
        tauto.prune(net(), INPUTS[:1], data=batches(), loss=Loss(), checkpoint=tmp_path / "file")
    with pytest.raises(InvalidArgument, match="checkpoint: only method='qat' trains"):
        tauto.quantize(nn.Linear(4, 4), torch.ones(1, 4), checkpoint=tmp_path)


def test_a_folder_is_one_calls_at_a_time_and_lies_where_the_user_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPS_TAKEN", str(tmp_path / "steps"))
    given = {"data": batches(), "loss": Loss(), "checkpoint": "kept"}
    place = tmp_path / "kept" / "prune-Sequential"

    def in_the_midst(workload, plan: Plan, hardware):
        assert plan.trainings == place
        with pytest.raises(InvalidArgument, match="another call that is under way uses"):
            tauto.prune(net(), INPUTS[:1], **given)
        assert place.exists()
        raise KeyboardInterrupt

    place.mkdir(parents=True)
    (place / "call.json").write_text('{"data": "of another, which had not come to train"}')
    monkeypatch.setattr("tauto.verbs.prune.tune", in_the_midst)
    with pytest.raises(KeyboardInterrupt):
        tauto.prune(net(), INPUTS[:1], **given)
    assert not place.exists()  # nothing was trained
