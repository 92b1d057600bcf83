"""A search that is killed loses nothing that it had measured: the same line goes on with it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from contextlib import closing
from pathlib import Path

import pytest
import torch
from techniques_by_hand import Shortcut, Wasteful, registered

import tauto
from tauto.errors import StoreWarning, StudyError

pytestmark = pytest.mark.alone

PROGRAM = Path(__file__).parents[1] / "cut_off_search.py"
WAIT_S = 240


def started(tmp_path, **env):
    folder = {"TAUTO_STORE": str(tmp_path / "store"), "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    return subprocess.Popen([sys.executable, PROGRAM, tmp_path / "told.json"], env={**os.environ, **folder, **env})


def finished(database):
    """Return how many trials the database holds."""
    if not database.exists():
        return 0
    try:
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute("select count(*) from trials where state = 'COMPLETE'").fetchone()[0]
    except sqlite3.OperationalError:  # its tables are being made
        return 0


def test_after_a_kill_the_same_line_goes_on(tmp_path):
    first = started(tmp_path, LINGER="1")
    until = time.monotonic() + WAIT_S
    while not finished(tmp_path / "store" / "studies.db"):
        assert first.poll() is None
        assert time.monotonic() < until
        time.sleep(0.2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert started(tmp_path).wait(WAIT_S) == 0
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["verdict"] == "improved"
    assert told["titles"] == ["shortcut", "lingers"]
    assert told["winner"] == 0
    assert "Measured by the search that this one goes on with." not in told["notes"][1]


def test_where_nothing_was_asked_a_storage_that_fails_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database" * 400)
    inputs = torch.randn(64, 64)
    with registered(Shortcut):
        with pytest.raises(StudyError, match=r"broken\.db"):
            tauto.autotune(Wasteful(), inputs=inputs, storage=broken)
        monkeypatch.setenv("TAUTO_STORAGE", str(broken))
        with pytest.warns(StoreWarning, match="The trials of this search are not kept"):
            result = tauto.autotune(Wasteful(), inputs=inputs, budget="1min")
    assert result.report.study is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "Study" not in str(result)
