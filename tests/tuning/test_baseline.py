"""What a process of its own finds out about evaluate, and what it tells of outputs that were rejected."""

from __future__ import annotations

import pytest
import torch
from techniques_by_hand import FastButWrong, Wasteful, registered

from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.tuning.bench import Bench
from tauto.workload import Workload


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path))


def noisy(model):
    with torch.no_grad():
        answers = [model(torch.ones(size, 64)).sum() for size in (32, 17)]
    return {"score": float(torch.rand(())), "fixed": float(len(answers))}


def bench(**given):
    workload = Workload.of(Wasteful().eval(), inputs=torch.randn(16, 64), **given)
    return Bench(workload, Hardware.current())


def test_evaluate_is_run_twice_and_its_samples_are_counted():
    found = bench(evaluate=noisy).measure_baseline(600.0)
    assert found.samples == 49
    assert found.again["score"] != found.metrics["score"]
    assert found.again["fixed"] == found.metrics["fixed"] == 2.0


def test_one_that_takes_long_is_run_once(monkeypatch):
    monkeypatch.setattr("tauto.tuning.bench.AGAIN_SHARE", 0.0)
    found = bench(evaluate=noisy).measure_baseline(600.0)
    assert found.metrics is not None
    assert found.again is None


def test_rejected_outputs_are_told_with_how_far_they_are():
    data = [torch.randn(64, 64)]
    with registered(FastButWrong):
        tried = bench(data=data)
        tried.measure_baseline(600.0)
        found = tried.attempt(Recipe.of("fast_but_wrong"), wall_limit_s=300.0, time_cap_s=1.0)
    assert found.rejected.startswith("wrong outputs")
    assert found.agreement.relative_error > 1
    assert found.comparison is None
