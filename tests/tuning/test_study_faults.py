"""Storages that fail: each is told in one line, what was found is returned, and what had ended is there afterwards."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from sqlalchemy.engine import make_url

import tauto
from benchmarks import faults
from benchmarks.private_postgres import HOW, NEEDED, private_postgres
from tauto.errors import InvalidArgument, StudyError, TrialFailed
from tauto.execution import Workspace
from tauto.tuning.study import storage as storage_room

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("FAULTS_LOG", str(tmp_path / "log"))
    monkeypatch.delenv("TAUTO_STORAGE", raising=False)


def objective() -> float:
    return tauto.suggest.float("x", 0, 1) + tauto.suggest.int("n", 1, 3)


def test_drivers_and_trials_that_are_killed_lose_nothing() -> None:
    line = [sys.executable, "-m", "benchmarks.faults", "--only", "drivers", "--only", "trials", "--times", "3"]
    done = subprocess.run(line, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 kills, 0 processes left behind, 0 finished trials lost, 3 resumed by the same line" in done.stdout
    assert done.stdout.count("0 wrong") == 2


def test_torn_files_are_read_or_refused_by_name() -> None:
    told = faults.torn(12, seed=0)
    assert not told.wrong
    assert told.counts["refused by a named error"] > 1
    assert told.counts["read"] > 1


def test_a_full_disk_loses_nothing_that_was_written_and_what_was_found_is_returned() -> None:
    told = faults.Told("full")
    for writes in (0, 7, 30):
        with faults.place() as folder:
            faults._fill(told, folder, folder / "full.db", faults.full_after(writes), writes)
    assert not told.wrong
    assert told.counts["searches that returned what they had found"] == 1
    assert told.counts["gone on with when there was room"] == 3


def test_a_database_that_another_process_holds_ends_the_search_with_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_room, "_BUSY_S", 0.2)
    database, log = tmp_path / "held.db", tmp_path / "log"

    def until_held() -> float:
        x = tauto.suggest.float("x", 0, 1)
        with log.open("a") as file:
            file.write("x")
        while (tmp_path / "hold").exists() and not (tmp_path / "held").exists():
            time.sleep(0.01)
        return x

    def hold() -> None:
        while not log.exists() or log.stat().st_size < 12:
            time.sleep(0.01)
        (tmp_path / "hold").touch()
        with closing(sqlite3.connect(database, timeout=10)) as connection:
            connection.execute("begin exclusive")
            (tmp_path / "held").touch()
            over.wait()

    over = threading.Event()
    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    try:
        result = tauto.tune(until_held, trials=60, storage=database, study="held")
        assert result.stopped.startswith("the storage failed: held.db: database is locked. Another process holds it")
        assert result.broken
        assert log.stat().st_size <= len(result.trials) < 60
        assert result.best is not None
        assert result.report.knobs[0].importance is not None  # an estimate from what is known, not from the storage
        with pytest.raises(StudyError, match=r"held\.db: database is locked"):
            tauto.studies(storage=database)
    finally:
        over.set()
        holder.join()
    again = tauto.tune(until_held, trials=len(result.trials) + 1, storage=database, study="held")
    assert again.stopped.startswith("all ")
    assert {one.params["x"] for one in result.trials if one.values} <= {one.params["x"] for one in again.trials}


def test_a_file_that_goes_away_amid_a_search_is_named(tmp_path: Path) -> None:
    database = tmp_path / "gone.db"

    def takes_it_away() -> float:
        x = tauto.suggest.float("x", 0, 1)
        if (tmp_path / "now").exists():
            database.unlink(missing_ok=True)
        (tmp_path / "now").touch()
        return x

    result = tauto.tune(takes_it_away, trials=9, storage=database)
    assert result.stopped == "the storage failed: gone.db: the file is gone. Put it back, or name another one."
    assert len(result.trials) == 2
    assert "Trial 1 could not be written to the storage; it stands here alone." in result.notes


def test_no_room_for_trials_ends_the_search_with_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Workspace.folder
    made: list[str] = []

    def full(self: Workspace, name: str) -> Path:
        made.append(name)
        if len(made) > 3:
            raise TrialFailed("No space is left for /tmp.")
        return folder(self, name)

    monkeypatch.setattr(Workspace, "folder", full)
    result = tauto.tune(objective, trials=9)
    assert result.stopped == "no more trials can be run here: No space is left for /tmp."
    assert [one.state for one in result.trials][:2] == ["complete", "complete"]


def test_a_storage_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path) -> None:
    tauto.tune(objective, trials=1, storage="other.db")
    with closing(sqlite3.connect("other.db")) as connection, connection:
        connection.execute("update version_info set schema_version = 99")
        connection.execute("update alembic_version set version_num = 'v99.0.0.a'")
    with closing(sqlite3.connect("mine.db")) as connection, connection:
        connection.execute("create table orders (number)")
    before = Path("mine.db").read_bytes()
    cases = {
        "other.db": "Its tables are another Optuna's",
        "mine.db": r"another program's database \(its tables: orders\). Name another file",
        "sqlite:///file:other.db?mode=ro&uri=true": "(?i)compatible|readonly",
        "/proc/studies.db": "Make the folder writable",
        "foo://me:opensesame@host/x": "not kept in foo, only in SQLite and PostgreSQL",
        "mysql://me:opensesame@127.0.0.1:1/x": "not kept in mysql, only in SQLite and PostgreSQL",
    }
    for storage, says in cases.items():
        with pytest.raises((StudyError, InvalidArgument), match=says) as caught:
            tauto.tune(objective, trials=1, storage=storage)
        assert "opensesame" not in str(caught.value)
        assert "\n" not in str(caught.value)
    assert Path("mine.db").read_bytes() == before
    with pytest.raises(InvalidArgument, match="a study in memory ends with its process"):
        tauto.tune(objective, trials=1, storage="sqlite://")


def test_a_study_that_may_only_be_read_is_shown_and_not_gone_on_with(tmp_path: Path) -> None:
    tauto.tune(objective, trials=1, storage="a.db", study="s")
    readable = "sqlite:///file:a.db?mode=ro&uri=true"
    assert len(tauto.studies("s", storage=readable).trials) == 1
    with pytest.raises(StudyError, match=r"attempt to write a readonly database\. Make the folder writable"):
        tauto.tune(objective, trials=2, storage=readable, study="s")


def test_a_server_that_does_not_answer_is_given_up_within_seconds() -> None:
    pytest.importorskip("psycopg", reason="needs a driver: pip install 'tauto[postgresql]'")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        began = time.monotonic()
        with pytest.raises(StudyError, match=r"postgresql://me:\*\*\*@127.0.0.1:\d+/x: .* Is the server running"):
            tauto.studies(storage=f"postgresql://me:opensesame@127.0.0.1:{silent.getsockname()[1]}/x")
        assert time.monotonic() - began < 20


@pytest.mark.skipif(NEEDED is None, reason=HOW)
def test_a_server_that_refuses_and_one_that_goes_away(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="needs a driver: pip install 'tauto[postgresql]'")
    log = tmp_path / "log"

    def writes() -> float:
        with log.open("a") as file:
            file.write("x")
        return tauto.suggest.float("x", 0, 1)

    def stop() -> None:
        while not log.exists() or log.stat().st_size < 3:
            time.sleep(0.01)
        for process in psutil.process_iter(["cmdline"]):
            if f"port={url.port}" in (process.info["cmdline"] or []):
                process.kill()

    with private_postgres() as text:
        url = make_url(text)
        wrong = url.set(password="opensesame").render_as_string(hide_password=False)
        with pytest.raises(
            StudyError, match=r"password authentication failed .* Set the user and the password"
        ) as told:
            tauto.tune(writes, trials=1, storage=wrong)
        assert "opensesame" not in "".join(traceback.format_exception(told.value))
        nowhere = url.set(database="nowhere").render_as_string(hide_password=False)
        with pytest.raises(StudyError, match=r'database "nowhere" does not exist\. Make it'):
            tauto.tune(writes, trials=1, storage=nowhere)
        threading.Thread(target=stop, daemon=True).start()
        result = tauto.tune(writes, trials=500, storage=text)
    assert result.stopped.startswith("the storage failed: postgresql://me:***@")
    assert len([one for one in result.trials if one.state == "complete"]) >= 2
    assert str(url.password) not in str(result)


def test_what_is_secret_in_a_url_is_in_nothing_that_is_kept_or_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    secret = "opensesame"

    def fails_at_last() -> float:
        x = tauto.suggest.float("x", 0, 1)
        if (tmp_path / "now").exists():
            raise ValueError("no such file")
        (tmp_path / "now").touch()
        return x

    url = f"sqlite:///file:{tmp_path / 'a.db'}?uri=true&password={secret}"  # SQLite passes over what it does not know
    result = tauto.tune(fails_at_last, trials=2, storage=url, study="s")
    assert (tmp_path / "a.db").exists()
    shown = [str(result), result.explain(), result.script(), repr(result.report), str(result._repr_mimebundle_())]
    shown += [str(tauto.studies(storage=url)), str(tauto.studies("s", storage=url)), str(tauto.runs())]
    with pytest.raises(InvalidArgument) as caught:
        tauto.studies("t", storage=url)
    (tmp_path / "a.db").write_bytes(b"no database at all" * 999)
    with pytest.raises(StudyError) as torn:
        tauto.studies(storage=url)
    shown += [str(caught.value), str(torn.value), *capfd.readouterr(), caplog.text]
    assert not [text for text in shown if secret in text]
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) > 2
    assert not [path for path in kept if secret.encode() in path.read_bytes()]
