"""What searches survive: killed drivers and trials, torn database files, a full disk: nothing that ended may be lost.

python -m benchmarks.faults                             # all of it; about half an hour
python -m benchmarks.faults --only drivers --times 25   # a part; --seed draws other instants
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

import tauto
from tauto.errors import StudyError, TautoError
from tauto.tuning.study import storage as storage_room
from tauto.verbs.worker import work

STUDY = "faults"
ROOT = Path(__file__).parents[1]
_WAIT_S = 120.0


@dataclass
class Told:
    """What came of one kind of fault; ``wrong`` has to stay empty."""

    what: str
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def check(self, holds: bool, otherwise: str) -> None:
        """Note ``otherwise`` unless it ``holds``."""
        if not holds:
            self.wrong.append(otherwise)

    def __str__(self) -> str:
        parts = [f"{count:,} {name}" for name, count in self.counts.items()]
        return "\n  ".join([f"{self.what}: {', '.join(parts)}; {len(self.wrong)} wrong", *self.wrong[:20]])


def objective() -> float:
    """Take milliseconds, and write down by itself that it came to its end."""
    x = tauto.suggest.float("x", 0, 1)
    time.sleep(float(os.environ.get("FAULTS_SLEEP_S", "0.005")))
    line = os.open(os.environ["FAULTS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(line, f"{x!r}\n".encode())
    return x


@contextmanager
def place() -> Iterator[Path]:
    """Make a folder that the store, the log and the work of searches are in for the block."""
    before = {name: os.environ.get(name) for name in ("TAUTO_STORE", "TAUTO_WORK", "TAUTO_STORAGE", "FAULTS_LOG")}
    with tempfile.TemporaryDirectory(prefix="tauto-faults-") as name:
        folder = Path(name)
        os.environ |= {"TAUTO_STORE": f"{folder}/store", "TAUTO_WORK": f"{folder}/work", "FAULTS_LOG": f"{folder}/log"}
        os.environ.pop("TAUTO_STORAGE", None)
        try:
            yield folder
        finally:
            for key, value in before.items():
                os.environ.pop(key, None) if value is None else os.environ.__setitem__(key, value)


def logged(folder: Path) -> list[float]:
    """Return what runs of the objective wrote down as they ended."""
    file = folder / "log"
    return [float(line) for line in file.read_text().split()] if file.exists() else []


def rows(database: Path) -> dict[int, tuple[str, float | None]]:
    """Return state and value of each trial, read without TAuto and without Optuna."""
    if not database.exists():
        return {}
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        try:
            found = connection.execute(
                "select t.number, t.state, v.value from trials t left join trial_values v on v.trial_id = t.trial_id"
            ).fetchall()
        except sqlite3.OperationalError:  # its tables are being made
            return {}
    return {number: (state, value) for number, state, value in found}


def complete(database: Path) -> dict[int, float | None]:
    """Return the value of each trial that came to its end."""
    return {number: value for number, (state, value) in rows(database).items() if state == "COMPLETE"}


# --- processes that are killed


def _forked(work: Callable[[], object]) -> int:
    """Run ``work`` in a fork of this process, which has imported everything and runs no thread."""
    pid = os.fork()
    if pid:
        return pid
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        work()
        os._exit(0)
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)


def _search(trials: int) -> None:
    tauto.tune(objective, trials=trials, study=STUDY)


def _wait(until: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _WAIT_S
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come within {_WAIT_S:.0f} s")
        time.sleep(0.01)


def _kill(pid: int) -> list[psutil.Process]:
    """Kill a driver; return what it had started."""
    try:
        family = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return family


def _alive(family: list[psutil.Process]) -> list[psutil.Process]:
    """Return who of a dead driver's ``family`` goes on; one that ended and that nobody has read of does not."""
    still = []
    for process in psutil.wait_procs(family, timeout=10)[1]:
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                still.append(process)
    return still


def _join() -> None:
    work(objective, study=STUDY, trials=1_000_000)


def drivers(times: int, seed: int) -> Told:
    """Kill a driver at random instants, a quarter of them before its first trial; go on by the same line each time."""
    return _killed("kill -9 of the driver", lambda: _search(1_000_000), times, seed)


def workers(times: int, seed: int) -> Told:
    """Kill a process that joined by ``tauto worker``, just so; the next one that joins takes its place."""
    return _killed("kill -9 of a worker", _join, times, seed)


def _killed(what: str, run: Callable[[], None], times: int, seed: int) -> Told:
    told, draw = Told(what), random.Random(seed)
    with place() as folder:
        os.waitpid(_forked(lambda: _search(1)), 0)  # a worker joins what is there
        database = folder / "store" / "studies.db"
        startup_s = 3.0
        for _ in range(times):
            before, lines, began = complete(database), len(logged(folder)), time.monotonic()
            pid = _forked(run)
            if draw.random() < 0.25:
                time.sleep(draw.uniform(0, startup_s))
            else:
                _wait(lambda lines=lines: len(logged(folder)) > lines, "a trial")  # type: ignore[misc]
                startup_s = time.monotonic() - began
                time.sleep(draw.uniform(0, 1.5))
            alive = _alive(_kill(pid))
            told.counts["kills"] += 1
            told.counts["processes left behind"] += len(alive)
            told.check(not alive, f"still there: {alive}")
            after = complete(database)
            told.counts["finished trials lost"] += len(before.items() - after.items())
            told.check(before.items() <= after.items(), f"lost: {sorted(before.items() - after.items())}")
            told.counts["resumed by the same line"] += not before or len(after) >= len(before)
        before = complete(database)
        pid = _forked(lambda: _search(len(rows(database)) + 10))
        told.check(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "the last search did not come to its end")
        after = complete(database)
        told.check(before.items() <= after.items(), "lost in the last search")
        told.check(len(after) > len(before), "the last search made no trial")
        _compare(told, folder, database, killed=times)
    return told


def _compare(told: Told, folder: Path, database: Path, killed: int) -> None:
    """Hold the study against what the objective itself wrote down: it may end in the instant before a kill."""
    ended, values = logged(folder), set(complete(database).values())
    told.counts["trials complete"] = len(complete(database))
    told.counts["runs killed between their last line and the study"] = len(ended) - len(values)
    told.counts["of these not made again, as that was killed too"] = len(set(ended) - values)
    told.check(values <= set(ended), f"in the study and never run: {sorted(values - set(ended))[:3]}")
    told.check(len(ended) - len(values) <= killed, f"{len(ended)} runs ended and {len(values)} are in the study")


def trials(times: int, seed: int) -> Told:
    """Kill trials of one search at random instants, and each twentieth time the server that starts them."""
    told, draw = Told("kill -9 of trials"), random.Random(seed)
    os.environ["FAULTS_SLEEP_S"] = "0.05"
    with place() as folder:
        database = folder / "store" / "studies.db"
        pid = _forked(lambda: _search(1_000_000))
        driver = psutil.Process(pid)
        _wait(lambda: len(logged(folder)) > 1, "a trial")
        while sum(told.counts.values()) < times:
            time.sleep(draw.uniform(0.02, 0.3))
            servers = driver.children()
            running = [child for server in servers for child in server.children()]
            victims = servers if sum(told.counts.values()) % 20 == 19 else running
            if victims:
                with suppress(psutil.NoSuchProcess):
                    draw.choice(victims).kill()
                told.counts["servers killed" if victims is servers else "trials killed"] += 1
                told.check(driver.status() != psutil.STATUS_ZOMBIE, "the search ended by it")
        count = len(logged(folder))
        _wait(lambda: len(logged(folder)) > count + 2, "a trial after the last kill")
        told.counts["searches that went on"] = 1
        _kill(pid)
        found = Counter(state for state, _ in rows(database).values())
        told.counts["trials told as failed or put back"] = found["FAIL"]
        told.check(found["FAIL"] <= times + 1, f"{found['FAIL']} failed of {times} killed")
        _compare(told, folder, database, killed=times)
    del os.environ["FAULTS_SLEEP_S"]
    return told


def autotunes(times: int, seed: int) -> Told:
    """Kill an autotune at random instants; the same line takes over what it had measured."""
    told, draw = Told("kill -9 of an autotune"), random.Random(seed)
    program = ROOT / "tests" / "cut_off_search.py"
    for _ in range(times):
        with place() as folder:
            database, answer = folder / "store" / "studies.db", folder / "told.json"
            paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
            line = [sys.executable, str(program), str(answer)]
            environment = {**os.environ, "PYTHONPATH": paths}
            first = subprocess.Popen(line, env={**environment, "LINGER": "1"})
            if draw.random() < 0.3:
                time.sleep(draw.uniform(0, 20))
            else:
                _wait(lambda database=database: bool(complete(database)), "a trial")  # type: ignore[misc]
                time.sleep(draw.uniform(0, 3))
            alive = _alive(_kill(first.pid))
            first.returncode = -signal.SIGKILL  # waited for above
            told.check(not alive, f"still there: {alive}")
            had = len(complete(database))
            code = subprocess.run(line, env=environment, check=False).returncode
            told.counts["kills"] += 1
            told.check(code == 0, f"the same line ended with {code}")
            if code == 0:
                again = json.loads(answer.read_text())
                told.counts["trials that were complete before"] += had
                told.counts["finished trials lost"] += max(0, had - again["earlier"] - 1)
                told.check("shortcut" in again["titles"], f"the winner was not found again: {again}")
                told.check(len(complete(database)) >= had, "lost from the study")
    return told


# --- files that are torn


def _look(database: Path) -> str:
    """Read a study in every way, and show it; return ``"read"``, or the first line of a named error."""
    try:
        tauto.studies(storage=database)
        found = tauto.studies(STUDY, storage=database)
        found._repr_mimebundle_()
        found.explain()
    except TautoError as error:
        return str(error)
    return "read"


def _made(folder: Path, count: int) -> Path:
    """Return a database with a study of ``count`` trials."""
    database = folder / "whole.db"
    tauto.tune(objective, trials=count, study=STUDY, storage=database)
    return database


def torn(times: int, seed: int) -> Told:
    """Cut the file at many lengths, flip bits and overwrite stretches; every tenth time search on with it."""
    told, draw = Told("torn files"), random.Random(seed)
    with place() as folder:
        whole = _made(folder, 15).read_bytes()
        for number in range(times):
            broken = bytearray(whole)
            match number % 3:
                case 0:
                    kind, broken = "cut", broken[: draw.randrange(len(whole))]
                case 1:
                    kind, at = "a bit flipped", draw.randrange(len(whole))
                    broken[at] ^= 1 << draw.randrange(8)
                case _:
                    kind, at = "a stretch overwritten", draw.randrange(len(whole) - 64)
                    broken[at : at + 64] = draw.randbytes(64)
            file = folder / f"{number}.db"
            file.write_bytes(broken)
            told.counts[kind] += 1
            try:
                outcome = _look(file)
                if number % 10 == 0:
                    _search_on(file)
            except Exception as error:
                told.wrong.append(f"{kind}, {number}: {type(error).__name__}: {str(error)[:200]}")
                continue
            finally:
                file.unlink(missing_ok=True)
            told.counts["read" if outcome == "read" else "refused by a named error"] += 1
            told.check(outcome == "read" or file.name in outcome or STUDY in outcome, f"not named: {outcome}")
    return told


def _search_on(database: Path) -> None:
    with suppress(TautoError):
        tauto.tune(objective, trials=17, study=STUDY, storage=database)


# --- a disk that is full


class FullDisk(sqlite3.Connection):
    """A connection whose disk is full from the n-th write on."""

    writes_left = 0

    def cursor(self, *args: Any) -> Any:
        """Return a cursor that counts."""
        return super().cursor(_Counting)


class _Counting(sqlite3.Cursor):
    def execute(self, sql: str, *args: Any) -> Any:
        if sql.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            if FullDisk.writes_left <= 0:
                raise sqlite3.OperationalError("database or disk is full")
            FullDisk.writes_left -= 1
        return super().execute(sql, *args)


@contextmanager
def full_after(writes: int) -> Iterator[None]:
    """Let so many writes through inside the block, then none."""
    engine = storage_room._engine

    def faulty(where: Any) -> dict[str, Any]:
        made = engine(where)
        return made | {"connect_args": made["connect_args"] | {"factory": FullDisk}}

    storage_room._engine, FullDisk.writes_left = faulty, writes
    try:
        yield
    finally:
        storage_room._engine = engine


def full(times: int, seed: int) -> Told:
    """Fill the disk at the first write, the second and so on; then make room, and go on by the same line."""
    told = Told("a disk that is full from the n-th write on")
    for writes in range(times):
        with place() as folder:
            database = folder / "full.db"
            if writes % 2:  # a study that is there already
                tauto.tune(objective, trials=3, study=STUDY, storage=database)
            _fill(told, folder, database, full_after(writes // 2), writes // 2)
    return told


def mounted(times: int, seed: int) -> Told:
    """Do the same on a real small disk, where one may be mounted: page after page."""
    told = Told("a mounted disk that is full after n pages")
    for pages in range(times):
        with place() as folder:
            database = _made(folder, 3)
            disk = folder / "disk"
            disk.mkdir()
            size = database.stat().st_size + 4096 * (pages + 4)
            mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
            if subprocess.run(mount, check=False, capture_output=True).returncode:
                told.counts["not allowed to mount here"] = 1
                return told
            try:
                shutil.copy(database, disk)
                larger = ["mount", "-o", "remount,size=16m", str(disk)]
                _fill(told, folder, disk / database.name, _with_room(larger), pages)
            finally:
                subprocess.run(["umount", str(disk)], check=True)
    return told


@contextmanager
def _with_room(larger: list[str]) -> Iterator[None]:
    yield
    subprocess.run(larger, check=True)


ASKED = 60
"""Trials of a search that is to fill the disk."""


def _fill(told: Told, folder: Path, database: Path, filled: AbstractContextManager[None], number: int) -> None:
    before = complete(database)
    found: list[float] = []
    with filled:
        try:
            report = tauto.tune(objective, trials=ASKED, study=STUDY, storage=database).report
            found = [one.values[0] for one in report.trials if one.values]
            if len(complete(database)) >= ASKED:
                told.counts["searches that had room enough"] += 1
                return
            told.check("full" in report.stopped, f"{number}: {report.stopped}")
            told.counts["searches that returned what they had found"] += 1
        except StudyError as error:
            told.check("full" in str(error), f"{number}: {error}")
            told.counts["refused by a named error, with nothing found yet"] += 1
    here = complete(database)
    told.check(before.items() <= here.items(), f"{number}: lost what was written before")
    told.check(set(logged(folder)) <= {*found, *here.values()}, f"{number}: a run that ended was not told")
    wanted = len(here) + 2
    again = tauto.tune(objective, trials=wanted, study=STUDY, storage=database)
    after = complete(database)
    told.check(here.items() <= after.items(), f"{number}: lost in going on")
    told.check(len(after) >= wanted and again.best is not None, f"{number}: not gone on with: {again.stopped}")
    told.counts["gone on with when there was room"] += 1


PARTS: dict[str, tuple[Callable[[int, int], Told], int]] = {
    "drivers": (drivers, 100),
    "workers": (workers, 100),
    "trials": (trials, 100),
    "autotunes": (autotunes, 10),
    "torn": (torn, 600),
    "full": (full, 60),
    "mounted": (mounted, 20),
}


def main() -> None:
    """Print what came of each kind of fault; end with 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; repeatable")
    parser.add_argument("--times", type=int, help="so many faults of each kind")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    wrong = 0
    for name in given.only or PARTS:
        part, usual = PARTS[name]
        began = time.monotonic()
        told = part(given.times or usual, given.seed)
        print(f"{told}\n  {time.monotonic() - began:.0f} s", flush=True)
        wrong += len(told.wrong)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
