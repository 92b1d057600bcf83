"""Trials kept in a study as they end, and searches that go on with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import optuna
import pytest
import torch
from reports_by_hand import tuning
from search_by_hand import RECIPES, run, statuses
from torch import nn

from tauto.errors import InvalidArgument
from tauto.results import StudyResult, TuningResult
from tauto.tuning import trial_log
from tauto.tuning.hyperparameters.kept import list_studies, study_report
from tauto.tuning.search import GONE_ON, MADE_AGAIN
from tauto.tuning.study import StorageUrl
from tauto.tuning.trial_log import identity_of, open_log
from tauto.workload import Workload

INPUTS = torch.ones(2, 4)
HERE, THERE = ("aaaa1111", "two cores"), ("bbbb2222", "many cores")


@dataclass
class HandLog:
    """Keeps trials in a list."""

    earlier: tuple = ()
    kept: list = field(default_factory=list)
    ended: int = 0

    def keep(self, trial, value, excess):
        self.kept.append((trial.recipe.title, value, excess))

    def end(self):
        self.ended += 1


@pytest.fixture
def where(tmp_path):
    return StorageUrl.parse(tmp_path / "studies.db")


def opened(where, name, identity, resume=None, machine=HERE):
    return open_log(where, name, identity, resume, machine)


def identity(seed=0, goal=("improve latency", "same outputs"), **about):
    torch.manual_seed(seed)
    workload = Workload.of(nn.Linear(4, 4), inputs=INPUTS, name="net")
    return identity_of(workload, "autotune", goal, about)


def test_each_trial_is_kept_once_with_its_gain_as_it_ends():
    log = HandLog()
    search = run([2.0, "wrong outputs", -3.0], log=log)
    assert [title for title, *_ in log.kept] == [recipe.title for recipe in RECIPES]
    assert log.kept[0][1] > 1
    assert log.kept[0][2] <= 0
    assert log.ended == 1
    assert search.winner == 0


def test_what_was_measured_before_is_not_tried_again_and_is_made_again_when_it_is_the_best():
    first = run([2.0, 3.0, "gone wrong"])
    log = HandLog(earlier=first.trials[:2])
    second = run([2.0, 3.0, 1.0], log=log)
    assert second.taken_over == 1  # the other was made again, as the best
    assert [trial.recipe.title for trial in second.trials] == [recipe.title for recipe in RECIPES]
    assert GONE_ON in second.trials[0].notes
    assert second.trials[1].notes[0] == MADE_AGAIN
    assert statuses(second) == ["rejected", "kept", "rejected"]
    assert [title for title, *_ in log.kept] == [RECIPES[2].title, RECIPES[1].title]


def test_what_was_stopped_for_its_time_is_tried_again():
    late = replace(run([2.0, 3.0, 1.0]).trials[0], status="failed", comparison=None, stopped_after_s=20.0)
    second = run([2.0, 3.0, 1.0], log=HandLog(earlier=(late,)))
    assert second.taken_over == 0
    assert statuses(second) == ["rejected", "kept", "rejected"]


def test_one_that_is_slower_when_it_is_made_again_gives_way():
    log = HandLog(earlier=run([2.0, 3.0, 1.0]).trials[:2])
    second = run([2.0, 1.0, 1.0], log=log)
    assert second.recipe == RECIPES[0]


def test_a_study_gives_back_what_was_kept_and_is_a_plain_one(where):
    trials = run([2.0, "wrong outputs", "it crashed"]).trials
    log = opened(where, None, identity(), None)
    for trial in trials:
        log.keep(trial, 2.0, 0.0)
    again = opened(where, None, identity(), None)
    assert again.earlier == trials
    plain = optuna.load_study(storage=f"sqlite:///{where.file}", study_name=log.name)
    assert plain.best_value == 2.0
    assert [one.state.name for one in plain.trials] == ["COMPLETE", "FAIL", "FAIL"]


def test_one_that_was_cut_off_is_gone_on_with_and_one_that_ended_is_not(where):
    log = opened(where, None, identity(), None)
    assert opened(where, None, identity(), None).name == log.name
    log.end()
    assert opened(where, None, identity(), resume=True).name == log.name
    second = opened(where, None, identity(), None)
    assert second.name == f"{log.name}-2"
    assert opened(where, None, identity(), None).name == second.name


def test_other_weights_another_machine_and_another_goal_are_another_search(where):
    others = (identity(), identity(seed=1), identity(goal=("improve size",)))
    names = {opened(where, None, one).name for one in others}
    names.add(opened(where, None, identity(), machine=THERE).name)
    assert len(names) == 4


def test_a_named_study_holds_several_machines_and_each_goes_on_with_its_own_trials(where):
    trials = run([2.0, "wrong outputs", "it crashed"]).trials
    here, there = (opened(where, "mine", identity(), machine=machine) for machine in (HERE, THERE))
    here.keep(trials[0], 2.0, 0.0)
    here.end()
    there.keep(trials[1], 0.0, 0.0)
    there.keep(trials[2], 0.0, 0.0)
    assert (here.earlier, there.earlier) == (trials[:1], trials[1:])
    assert (here.note(1).elsewhere, there.note(2).elsewhere) == (2, 1)
    shown = study_report(where, "mine")
    assert [one.machine for one in shown.trials] == ["aaaa1111", "bbbb2222", "bbbb2222"]
    assert shown.trials[0].params == {"recipe": RECIPES[0].title}
    assert shown.trials[2].reason == "it crashed"
    words = str(StudyResult(shown))
    assert "Machine bbbb2222  many cores: 2 trials" in words
    assert "  on      two cores" in words, "where the best is the best"
    assert [row.goal for row in list_studies(where).rows] == ["improve latency"]


def test_what_was_measured_under_other_versions_is_told_and_not_taken_over(where, monkeypatch):
    trials = run([2.0, "wrong outputs", "it crashed"]).trials
    before, here = trial_log.versions(), opened(where, "mine", identity())
    monkeypatch.setattr(trial_log, "versions", lambda: {**before, "TAuto": "0.1"})
    here.keep(trials[0], 2.0, 0.0)
    monkeypatch.setattr(trial_log, "versions", lambda: {**before, "torch": "1.0"})
    opened(where, "mine", identity(), machine=("cccc3333", HERE[1])).keep(trials[1], 0.0, 0.0)  # torch is in the digest
    monkeypatch.undo()
    here.keep(trials[2], 0.0, 0.0)
    note = here.note(1)
    assert here.earlier == trials[2:]
    assert (note.elsewhere, note.outdated, note.versions) == (0, 2, "TAuto 0.1; torch 1.0")
    shown = str(TuningResult(replace(tuning(), study=note)))
    assert "2 trials under TAuto 0.1; torch 1.0 in it, not taken over" in " ".join(shown.split())


def test_a_study_of_something_else_is_refused_by_name(where):
    opened(where, "mine", identity(), None)
    with pytest.raises(InvalidArgument, match=r"^study: 'the model' changed since 'mine'") as told:
        opened(where, "mine", identity(seed=1), None)
    assert "warm_start" not in str(told.value)
    with pytest.raises(InvalidArgument, match=r"^study: there is none called"):
        opened(where, None, identity(seed=2), resume=True)


def test_a_storage_that_fails_is_told_and_nothing_is_lost(where):
    log = opened(where, None, identity(), None)
    where.file.write_bytes(b"this is no database" * 400)
    for number, trial in enumerate(run([2.0, 1.0, 1.0]).trials):
        log.keep(trial, 2.0, 0.0)
        assert log.trouble, number
    assert "studies.db" in log.note(0).trouble
