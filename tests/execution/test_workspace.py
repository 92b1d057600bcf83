"""Private folders: whose they are, who may read them, and when they go."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tauto.config import Settings
from tauto.errors import InvalidArgument, TrialFailed
from tauto.execution import Workspace, new_workspace
from tauto.execution.workspace import disk_errors_explained


def mode(path):
    return path.stat().st_mode & 0o777


def test_folders_are_private_and_unique(tmp_path):
    one, two = new_workspace(), new_workspace()
    assert one.path != two.path
    assert one.path.parent == Settings.current().work
    assert mode(one.path.parent) == mode(one.path) == mode(one.folder("trial")) == 0o700
    assert one.folder("trial").name == "trial-1"


def test_a_folder_open_to_others_is_closed(tmp_path, monkeypatch):
    work = tmp_path / "open"
    work.mkdir(mode=0o755)
    monkeypatch.setenv("TAUTO_WORK", str(work))
    new_workspace().close()
    assert mode(work) == 0o700


def test_a_link_is_refused(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "link"))
    with pytest.raises(InvalidArgument, match="is a link or no folder"):
        new_workspace()


def test_someone_elses_folder_is_refused(monkeypatch):
    new_workspace().close()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(InvalidArgument, match="belongs to another user"):
        new_workspace()


def test_it_goes_with_its_last_reference_or_when_closed():
    space = new_workspace()
    path = space.path
    (path / "weights").write_text("w")
    del space
    gc.collect()
    assert not path.exists()
    space = new_workspace()
    space.close()
    assert not space.path.exists()


def test_it_goes_with_the_process():
    code = "from tauto.execution import new_workspace as n; w = n(); print(w.path)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not Path(run.stdout.strip()).exists()


def test_what_a_dead_process_left_is_removed_and_what_is_in_use_is_not():
    code = "import os; from tauto.execution import new_workspace as n; w = n(); print(w.path, flush=True); os._exit(1)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    left, used = Path(run.stdout.strip()), new_workspace()
    assert not left.exists()
    new_workspace().close()
    assert used.path.is_dir()
    used.close()


def test_a_fork_does_not_remove_what_its_parent_uses():
    space = new_workspace()
    pid = os.fork()
    if pid == 0:
        space.close()
        os._exit(0)
    os.waitpid(pid, 0)
    assert space.path.is_dir()


def test_a_full_disk_is_explained_and_other_errors_pass(tmp_path):
    with pytest.raises(TrialFailed, match="No space is left"), disk_errors_explained(tmp_path):
        raise OSError(28, "No space left on device")
    with pytest.raises(PermissionError), disk_errors_explained(tmp_path):
        raise PermissionError(13, "Permission denied")


def test_repr_names_the_folder(tmp_path):
    assert str(tmp_path) in repr(Workspace(tmp_path / "x"))
