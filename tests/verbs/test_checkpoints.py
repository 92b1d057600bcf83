"""Trainings within trials go on after a kill -9: what had ended is not done again."""

from __future__ import annotations

import os
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
    done = len(list(kept.rglob("*.pt")))
    assert 2 * STEPS <= before <= 3 * STEPS
    gone_on = pruned(kept)
    assert steps_taken(counted) - before == (3 - done) * STEPS
    assert not list(kept.iterdir())
    whole = pruned(None)
    mine, its = (one.model.state_dict() for one in (gone_on, whole))
    assert all(torch.equal(mine[name], its[name]) for name in its)


def test_a_folder_of_another_call_is_refused_by_what_differs(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPS_TAKEN", str(tmp_path / "steps"))
    place = tmp_path / "kept" / "prune-Sequential"
    place.mkdir(parents=True)
    (place / "call.json").write_text('{"data": "of another"}')
    with pytest.raises(InvalidArgument, match=r"holds trainings of another call \(other .*data.*Delete it"):
        tauto.prune(net(), INPUTS[:1], data=batches(), loss=Loss(), checkpoint=tmp_path / "kept")
    (place / "call.json").write_text("{")
    with pytest.raises(InvalidArgument, match=r"call\.json in it is damaged"):
        tauto.prune(net(), INPUTS[:1], data=batches(), loss=Loss(), checkpoint=tmp_path / "kept")
    with pytest.raises(InvalidArgument, match="checkpoint: only method='qat' trains"):
        tauto.quantize(nn.Linear(4, 4), torch.ones(1, 4), checkpoint=tmp_path)
