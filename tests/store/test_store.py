"""Past runs: kept, found again, and never at the cost of a result."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from reports_by_hand import comparison, everything, hostile, measurement, profile, tuning

from tauto.errors import InvalidArgument, StoreWarning, TautoError
from tauto.reports import Report
from tauto.store import Store, StoreError

ADD = """
import sys; sys.path.insert(0, sys.argv[2])
import reports_by_hand as by_hand
from tauto.store import Store
assert all(Store(sys.argv[1]).add(by_hand.tuning()) for _ in range(25))
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".tauto")


@contextmanager
def one_warning() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught
    assert [warning.category for warning in caught] == [StoreWarning]
    assert "\n" not in str(caught[0].message)


@pytest.mark.parametrize("report", [*everything(), *hostile()], ids=lambda report: report.kind)
def test_what_is_kept_comes_back_the_same(store: Store, report: Report) -> None:
    number = store.add(report)
    assert number is not None
    assert store.get(number) == report


def test_runs_are_listed_latest_first_and_chosen(store: Store) -> None:
    for report in (profile(), tuning(), comparison(), measurement()):
        store.add(report)
    listed = store.list()
    assert [row.verb for row in listed.rows] == ["measure", "compare", "autotune", "profile"]
    assert listed.total == 4
    assert [row.verb for row in store.list(limit=1).rows] == ["measure"]
    assert store.list(limit=1).total == 4
    chosen = store.list(verb="autotune", model="digits_net").rows[0]
    assert chosen.headline.startswith("Improved: 3.38× faster")
    assert (chosen.verdict, chosen.fingerprint) == ("improved", "4f2a9c01")
    assert abs(datetime.fromisoformat(chosen.created) - datetime.now(UTC)) < timedelta(minutes=10)
    assert store.list(model="nobody").rows == ()


def test_an_empty_store_is_empty_and_reading_makes_nothing(store: Store) -> None:
    assert store.list().rows == ()
    with pytest.raises(InvalidArgument, match="there is no run 7"):
        store.get(7)
    assert not store.folder.exists()


def test_git_does_not_see_it(store: Store) -> None:
    store.add(profile())
    assert (store.folder / ".gitignore").read_text() == "*\n"


def test_the_settings_say_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "elsewhere"))
    assert Store().folder == tmp_path / "elsewhere"


def test_a_folder_below_this_one_is_shown_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Store(tmp_path / "runs").list().folder == "runs"
    assert Store(tmp_path.parent).list().folder == str(tmp_path.parent)


@pytest.mark.parametrize("name", ["with space", "a?b#c%20d", "ünïcode 中文"])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / name)
    assert store.add(profile()) == 1
    assert store.get(1) == profile()
    assert store.file.exists()


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "all"])
def test_a_limit_is_a_number_of_runs(store: Store, limit: int) -> None:
    with pytest.raises(InvalidArgument, match="limit"):
        store.list(limit=limit)


def test_two_processes_write_at_once(store: Store) -> None:
    command = [sys.executable, "-W", "error", "-c", ADD, str(store.folder), str(Path(__file__).parent.parent)]
    writers = [subprocess.Popen(command) for _ in range(2)]
    assert [writer.wait(timeout=500) for writer in writers] == [0, 0]
    assert store.list(limit=100).total == 50
    assert {row.id for row in store.list(limit=100).rows} == set(range(1, 51))


def test_a_locked_file_is_a_warning(store: Store) -> None:
    store.add(profile())
    with closing(sqlite3.connect(store.file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with one_warning() as caught:
            assert store.add(tuning()) is None
    message = str(caught[0].message)
    assert str(store.file) in message
    assert "locked" in message
    assert "Another process holds it" in message
    assert store.add(tuning()) == 2


def test_a_corrupt_file_is_a_warning_to_write_and_an_error_to_read(store: Store) -> None:
    store.folder.mkdir()
    store.file.write_bytes(b"this is no database at all, but long enough to be read as one " * 40)
    with one_warning() as caught:
        assert store.add(profile()) is None
    assert "not a database" in str(caught[0].message)
    assert "Move this file away" in str(caught[0].message)
    for read in (store.list, lambda: store.get(1)):
        with pytest.raises(TautoError, match=r"runs\.db: file is not a database\. Move this file away"):
            read()


def test_damaged_pages_are_an_error_in_words(store: Store) -> None:
    for _ in range(20):
        store.add(tuning())
    content = bytearray(store.file.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    store.file.write_bytes(content)
    with pytest.raises(StoreError, match="Move this file away"):
        store.list()


def test_a_damaged_report_is_an_error_in_words(store: Store) -> None:
    store.add(profile())
    with closing(sqlite3.connect(store.file)) as other, other:
        other.execute("UPDATE runs SET report = 'half of {'")
    with pytest.raises(StoreError, match=r"Run 1 .* is damaged"):
        store.get(1)
    assert store.list().total == 1


def test_another_programs_database_is_left_alone(store: Store) -> None:
    store.folder.mkdir()
    with closing(sqlite3.connect(store.file)) as other, other:
        other.execute("CREATE TABLE runs (name TEXT)")
    with one_warning() as caught:
        assert store.add(profile()) is None
    assert "no column" in str(caught[0].message)
    with pytest.raises(StoreError, match="no such column"):
        store.list()


def test_a_newer_store_is_left_alone(store: Store) -> None:
    store.add(profile())
    with closing(sqlite3.connect(store.file)) as other, other:
        other.execute("PRAGMA user_version = 99")
    before = store.file.read_bytes()
    with one_warning() as caught:
        assert store.add(tuning()) is None
    assert "newer TAuto" in str(caught[0].message)
    assert store.file.read_bytes() == before
    with pytest.raises(StoreError, match=r"newer TAuto .* Upgrade tauto"):
        store.list()


def test_a_report_of_a_newer_schema_says_so(store: Store) -> None:
    store.add(profile())
    with closing(sqlite3.connect(store.file)) as other, other:
        other.execute("UPDATE runs SET report = replace(report, '\"schema\":1', '\"schema\":2')")
    with pytest.raises(InvalidArgument, match="schema 2 is newer"):
        store.get(1)


def test_a_folder_that_cannot_be_made_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with one_warning() as caught:
        assert Store(tmp_path / "file" / ".tauto").add(profile()) is None
    assert "TAUTO_STORE" in str(caught[0].message)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_folder_is_a_warning_and_can_be_read(store: Store) -> None:
    store.add(profile())
    store.file.chmod(0o400)
    store.folder.chmod(0o500)
    try:
        with one_warning():
            assert store.add(tuning()) is None
        assert store.get(1) == profile()
    finally:
        store.folder.chmod(0o700)


def test_a_full_disk_is_a_warning(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(profile())
    with monkeypatch.context() as patch:
        # what SQLite itself says when the disk is full, by its own limit on the pages of this connection
        patch.setattr("sqlite3.connect", _connect_to_a_full_disk)
        with one_warning() as caught:
            for _ in range(100):
                if store.add(tuning()) is None:
                    break
    assert "full" in str(caught[0].message)
    assert "Make room on the disk" in str(caught[0].message)
    assert store.get(1) == profile()


_connect = sqlite3.connect


def _connect_to_a_full_disk(*arguments: Any, **keywords: Any) -> sqlite3.Connection:
    connection = _connect(*arguments, **keywords)
    connection.execute("PRAGMA max_page_count = 20")
    return connection
