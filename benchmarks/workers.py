"""Several workers on one study: what is lost or doubled, how fast the store is, what neighbours cost each other.

    python -m benchmarks.workers                         # all of it
    python -m benchmarks.workers --only sqlite,postgresql   # trials a second: SQLite 8 x 100, PostgreSQL 32 x 100
    python -m benchmarks.workers --only search           # 2 workers against 1
    python -m benchmarks.workers --only ray              # the same on a Ray cluster of two nodes of this machine

Store: processes that ask, suggest one knob, and tell, with nothing between, through TAuto's own claim and in bare
Optuna. A lost trial shows as a number that is missing, a doubled one as a total that is passed. Search: the
same trials, each of one thread's work, by 1 worker and by 2, and what each trial timed of its own work. Ray: that on
two local nodes of a core each; then one of them is killed amid a search.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna

import tauto
from benchmarks.private_postgres import HOW, NEEDED, private_postgres
from benchmarks.private_ray import private_ray
from tauto.events import Progress, listening
from tauto.hardware import Hardware
from tauto.tuning.study import (
    Identity,
    StorageUrl,
    close_storage,
    explained,
    is_under_way,
    mark_owner,
    one_at_a_time,
    open_storage,
    open_study,
    quiet,
    working,
)

WORK_S = "WORKERS_TRIAL_S"
"""Environment variable: seconds of one thread's work, each trial of the search."""
GOALS = {"value": "maximize"}


@dataclass(frozen=True)
class Stored:
    """What became of a study on which several processes worked."""

    trials: int
    missing: int
    beyond: int
    seconds: float
    median_s: float
    """Of one trial, in one worker."""


def claimed(url: str, wanted: int, results: multiprocessing.SimpleQueue[list[float]]) -> None:
    """Make trials through TAuto's claim until there are ``wanted``; tell what each took."""
    where, hardware = StorageUrl.parse(url), Hardware.current("cpu")
    storage = open_storage(where)
    opened = open_study(storage, where, "claimed", ["maximize"], Identity("tune", "nothing", {}, ("maximize value",)))
    opened.study.sampler = optuna.samplers.RandomSampler()
    spent = []
    with quiet(), explained(where, (OSError,)), working() as session:
        while True:
            began = time.perf_counter()
            opened.study.get_trials(deepcopy=False)  # as the search does
            with one_at_a_time(where, storage, "claimed"):
                trials = opened.study.get_trials(deepcopy=False)
                if sum(one.state.is_finished() or is_under_way(one) for one in trials) >= wanted:
                    break
                trial = opened.study.ask()
                mark_owner(trial, storage, hardware, session)
            opened.study.tell(trial, trial.suggest_float("x", 0, 1))
            spent.append(time.perf_counter() - began)
    results.put(spent)


def bare(url: str, wanted: int, results: multiprocessing.SimpleQueue[list[float]]) -> None:
    """Make as many trials in Optuna alone; it has no total, so that each worker makes its part."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(
        study_name="bare", storage=StorageUrl.parse(url).connecting(), sampler=optuna.samplers.RandomSampler()
    )
    spent = []
    for _ in range(wanted):
        began = time.perf_counter()
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 1))
        spent.append(time.perf_counter() - began)
    results.put(spent)


def stored(url: str, name: str, workers: int, each: int) -> Stored:
    """Have ``workers`` processes make ``workers * each`` trials."""
    where = StorageUrl.parse(url)
    storage, wanted = open_storage(where), workers * each
    with quiet():
        if name == "bare":
            optuna.create_study(study_name="bare", storage=storage, direction="maximize")
        else:
            open_study(storage, where, name, ["maximize"], Identity("tune", "nothing", {}, ("maximize value",)))
    target, share = (bare, each) if name == "bare" else (claimed, wanted)
    close_storage(storage)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tauto.tuning.study", "tauto.hardware"])
    results = context.SimpleQueue()
    processes = [context.Process(target=target, args=(url, share, results)) for _ in range(workers)]
    for process in processes:
        process.start()
    spent = [results.get() for _ in processes]
    for process in processes:
        process.join()
    with quiet():
        trials = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
    complete = {one.number for one in trials if one.state.name == "COMPLETE"}
    # the processes start one after another: from the first trial to the last
    begun = min(one.datetime_start for one in trials if one.datetime_start)
    ended = max(one.datetime_complete for one in trials if one.datetime_complete)
    flat = [value for one in spent for value in one]
    return Stored(
        len(complete),
        len(set(range(wanted)) - complete),
        len(trials) - wanted,
        (ended - begun).total_seconds(),
        statistics.median(flat),
    )


def store_rows(kind: str, url: str, workers: int, each: int) -> None:
    """Print what a storage does under ``workers``."""
    for name, words in (("claimed", "TAuto"), ("bare", "bare Optuna")):
        found = stored(url, name, workers, each)
        rate = found.trials / found.seconds
        print(
            f"| {kind} | {workers} × {each} | {words} | {found.trials:,} | {found.missing} | {found.beyond} | "
            f"{rate:.0f} | {1e3 * found.median_s:.0f} ms |",
            flush=True,
        )


def head(words: str) -> None:
    """Print the head of a table."""
    print(
        f"\n{words}\n\n| storage | workers × trials | by | made | lost | beyond | trials a second | one trial, median |"
    )
    print("|---|---|---|---|---|---|---|---|")


def sqlite() -> None:
    """Print trials per second on SQLite."""
    head("SQLite on this disk")
    with tempfile.TemporaryDirectory() as folder:
        for workers in (1, 8):
            store_rows("SQLite", f"sqlite:///{folder}/{workers}.db", workers, 100)


def postgresql() -> None:
    """Print trials per second on PostgreSQL, where it is installed."""
    if NEEDED is None:
        print(f"\n{HOW}")
        return
    head("PostgreSQL on this machine")
    for workers in (1, 32):
        with private_postgres(max_connections="300") as url:
            store_rows("PostgreSQL", url, workers, 100)


def burn(seconds: float) -> float:
    """Work in one thread for about so many seconds on a quiet machine; return how long it took."""
    began, rounds = time.perf_counter(), int(seconds * 2.2e7)
    number = 0
    for step in range(rounds):
        number += step & 3
    return time.perf_counter() - began


def timed_objective() -> dict[str, float]:
    """Be a trial that times itself."""
    return {"value": tauto.suggest.float("x", 0, 1), "seconds": burn(float(os.environ[WORK_S]))}


def wall_s(function: Callable[[], object], workers: int, trials: int, executor: str) -> tuple[float, Sequence[float]]:
    """Return how long a search took from its first trial's start, and what its trials timed of themselves."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "studies.db"
        options = {"trials": trials, "workers": workers, "study": "s", "storage": where, "sampler": "random"}
        result = tauto.tune(function, direction=GOALS, executor=executor, **options)
        with quiet():
            found = optuna.load_study(study_name="s", storage=f"sqlite:///{where}").trials
    begun = min(one.datetime_start for one in found if one.datetime_start)
    ended = max(one.datetime_complete for one in found if one.datetime_complete)
    return (ended - begun).total_seconds(), [one.figures["seconds"] for one in result.trials if one.figures]


def search(executor: str = "local") -> None:
    """Print the speedup of a search on 2 workers, and how much its trials disturb each other's timing."""
    cores, each = os.cpu_count(), os.environ[WORK_S]
    where = executor.partition(":")[0]
    print(f"\n{cores} cores, {where}; 12 trials of {each} s of one thread's work, three times each, in turn")
    print("\n| workers | search | a trial of itself, median (quartiles) |\n|---|---|---|")
    took: dict[int, list[float]] = {1: [], 2: []}
    own: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(3):
        for workers in took:
            seconds, times = wall_s(timed_objective, workers, 12, executor)
            took[workers].append(seconds)
            own[workers] += times
    for workers, seconds in took.items():
        low, middle, high = statistics.quantiles(own[workers], n=4)
        print(f"| {workers} | {statistics.median(seconds):.1f} s | {middle:.2f} s ({low:.2f} to {high:.2f}) |")
    print(f"\nspeedup of the search: {statistics.median(took[1]) / statistics.median(took[2]):.2f} ×")
    print(f"a trial beside another takes {statistics.median(own[2]) / statistics.median(own[1]):.2f} × as long")


def ray() -> None:
    """Print the same of two Ray nodes of a core each, and what became of a search of which one node was killed."""
    with private_ray() as (cluster, doomed):
        where = f"ray:{cluster.address}"
        search(where)
        killer = threading.Timer(3.0, cluster.remove_node, (doomed,), {"allow_graceful": False})
        with tempfile.TemporaryDirectory() as folder:
            options = {"trials": 24, "workers": 2, "study": "killed", "storage": Path(folder) / "studies.db"}

            def watch(progress: Progress) -> None:
                if progress.done and killer.ident is None:  # the first trial has ended
                    killer.start()

            with listening(watch):
                result = tauto.tune(timed_objective, direction=GOALS, executor=where, **options)
        killer.join()
        states = collections.Counter(one.state for one in result.trials)
        told = ", ".join(f"{count} {state}" for state, count in states.items())
        print(
            f"\na node killed 3 s after the first trial, 24 trials asked for: {told}; in {result.report.wall_s:.0f} s"
        )


PARTS = {"sqlite": sqlite, "postgresql": postgresql, "search": search, "ray": ray}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, by comma")
    parser.add_argument("--seconds", type=float, default=0.6, help="of one thread's work, each trial of the search")
    options = parser.parse_args()
    os.environ[WORK_S] = str(options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TAUTO_STORE"] = folder
        for part in options.only.split(","):
            PARTS[part]()


if __name__ == "__main__":
    main()
