"""What earlier runs found is tried first, where they ran on this machine for a model of this kind."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
from reports_by_hand import tuning

from tauto.store import Store
from tauto.tuning.earlier import earlier_winners

KIND = ("convolutional", "batch norm")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    return Store()


def run(name="resnet18", traits=KIND, **changes):
    report = replace(tuning(), verb="autotune", model=name, traits=traits)
    return replace(report, **changes)


def test_winners_for_the_same_kind_on_this_machine_come_back_once(store):
    report = run()
    here, winner = report.conditions.fingerprint, report.trials[report.winner].recipe
    first, second = store.add(report), store.add(run("resnet50"))
    assert earlier_winners(here, KIND, "resnet18") == {
        winner.digest: f"it was the best for resnet18 on this machine (run {first})"
    }
    assert f"(run {second})" in earlier_winners(here, KIND, "another")[winner.digest]  # the latest


def test_other_machines_other_kinds_and_originals_that_were_kept_say_nothing(store):
    report = run(winner=None, verdict="kept_original", confirmed=None)
    here = report.conditions.fingerprint
    store.add(report)
    store.add(run(traits=("attention",)))
    store.add(run())
    assert earlier_winners("elsewhere", KIND, "resnet18") == {}
    assert earlier_winners(here, ("recurrent",), "resnet18") == {}
    assert len(earlier_winners(here, KIND, "resnet18")) == 1


def test_a_store_that_cannot_be_read_is_no_reason_to_stop(store):
    store.folder.mkdir(parents=True)
    store.file.write_text("no database")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert earlier_winners("here", KIND, "resnet18") == {}
