"""Trials side by side: who measures has the machine for itself, and the others lose nothing by it."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from search_by_hand import RECIPES, Clock, HandBench, statuses

from tauto.execution import Job, executor, new_workspace
from tauto.tuning.budget import Budget
from tauto.tuning.crew import Crew
from tauto.tuning.objective import Goal
from tauto.tuning.search import Search
from tauto.tuning.space import Space


@pytest.fixture
def workspace():
    found = new_workspace()
    yield found
    found.close()


def side_by_side(workspace, *, dies):
    """Return what came of a job that counts beside one that measures; its limit is less than it takes in all."""
    crew, folder = Crew(), workspace.folder("measures")
    counting = Job("crew_jobs:count", {"times": 150}, workspace.folder("counts"), wall_limit_s=5)
    measuring = Job("crew_jobs:measure", {"seconds": 5, "turn": str(folder), "dies": dies}, folder, wall_limit_s=60)
    with ThreadPoolExecutor(2) as pool:
        return [future.result() for future in [pool.submit(crew.run, job, list) for job in (counting, measuring)]]


def test_others_stand_still_while_one_measures_and_their_time_does_not_count(workspace):
    counted, measured = side_by_side(workspace, dies=False)
    assert counted.failure is None, counted.failure
    begun, ended = measured.result
    assert not [moment for moment in counted.result if begun < moment < ended]
    assert ended < counted.result[-1]
    assert counted.wall_s > 5


def test_they_go_on_where_who_measures_dies(workspace):
    counted, measured = side_by_side(workspace, dies=True)
    assert measured.failure.kind == "exited"
    assert len(counted.result) == 150


def test_processes_that_know_nothing_of_each_other_measure_one_after_the_other(workspace):
    jobs = [Job("crew_jobs:measure", {"seconds": 0.5}, workspace.folder("measures")) for _ in range(3)]
    running = [executor().start(job) for job in jobs]
    spans = sorted(one.wait(60).result for one in running)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


class Together(HandBench):
    """Answers when all who were asked have come."""

    def work_together(self, crew):
        self.crew = crew
        self.barrier = threading.Barrier(3, timeout=60)

    def attempt(self, recipe, **arguments):
        self.barrier.wait()
        return super().attempt(recipe, **arguments)


def test_a_search_tries_several_at_once_and_chooses_as_one_by_one():
    clock = Clock()
    table = dict(zip((recipe.title for recipe in RECIPES), [2.0, "wrong outputs", 3.0], strict=True))
    search = Search(Together(clock, table), Budget(1000.0, clock=clock), Goal(), workers=3)
    search.run(Space(tuple(RECIPES), ()))
    assert sorted(statuses(search)) == ["kept", "rejected", "rejected"]
    assert search.recipe == RECIPES[2]
    assert [trial.number for trial in search.trials] == [0, 1, 2]
    assert search.bench.crew is None, "confirmed alone"


def test_an_interrupt_ends_those_under_way_and_the_best_is_kept():
    clock = Clock()
    table = {RECIPES[0].title: 2.0, RECIPES[1].title: KeyboardInterrupt(), RECIPES[2].title: 3.0}
    search = Search(Together(clock, table), Budget(1000.0, clock=clock), Goal(), workers=3)
    search.run(Space(tuple(RECIPES), ()))
    assert search.interrupted
    assert len(search.trials) == 3
    assert "skipped" in statuses(search)
