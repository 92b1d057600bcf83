"""The fork server: what a child finds, what a second trial costs, and what its own death does."""

from __future__ import annotations

import os
import signal
import sys
from statistics import median

import psutil
import pytest
import torch

from tauto.execution import Job, LocalExecutor, executor
from tauto.execution.spawner import Spawner


def test_surroundings_are_those_of_the_kernel_now(local, workspace, tmp_path, monkeypatch):
    local.run(Job("deaths:pid", {}, workspace.folder("first")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAUTO_TEST_VARIABLE", "set later")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = local.run(Job("deaths:surroundings", {}, workspace.folder("found"))).result
    assert found["cwd"] == str(tmp_path)
    assert found["path"] == sys.path
    assert found["variable"] == "set later"
    assert found["session"]
    assert found["sigint"]
    assert found["main"] == []
    assert found["oom"] in {"1000", None}


def test_a_job_may_set_variables_of_its_own(local, workspace):
    job = Job("deaths:surroundings", {}, workspace.folder("env"), env={"TAUTO_TEST_VARIABLE": "own"})
    assert local.run(job).result["variable"] == "own"
    assert "TAUTO_TEST_VARIABLE" not in os.environ


def test_torch_settings_are_those_of_the_kernel(local, workspace):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float64)
        found = local.run(Job("deaths:torch_state", {}, workspace.folder("state"))).result
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(torch.float32)
    assert found == [1, "torch.float64", False]


def test_the_second_trial_does_not_pay_for_imports(workspace, capsys):
    with LocalExecutor() as fresh:
        jobs = [Job("deaths:is_imported", {"name": "torch"}, workspace.folder("job")) for _ in range(5)]
        first, *rest = [fresh.run(job) for job in jobs]
    assert all(outcome.result is True for outcome in rest), "what the server imported is there"
    overheads = [outcome.wall_s for outcome in rest]
    with capsys.disabled():
        print(f"\n  trial overhead: first {first.wall_s:.3f} s, then {min(overheads):.3f}–{max(overheads):.3f} s")
    assert median(outcome.startup_s for outcome in rest) < first.startup_s


def test_the_server_killed_under_a_job(workspace, tmp_path):
    with LocalExecutor() as fresh:
        job = fresh.start(Job("deaths:sleep_with_family", {"marks": str(tmp_path)}, workspace.folder("family")))
        family = [tmp_path / name for name in ("root", "child", "grandchild", "stray")]
        while not all(mark.exists() and mark.read_text() for mark in family):
            assert job.wait(0.02) is None
        os.kill(fresh._runner.pid, signal.SIGKILL)
        failure = job.wait(120).failure
        assert failure.kind == "lost"
        assert "the server that runs trials ended (exit status -9)" in failure.reason
        for name in ("root", "child", "grandchild"):
            psutil.wait_procs(_processes(tmp_path / name), timeout=60)
            assert not _processes(tmp_path / name)
        assert fresh.run(Job("deaths:add", {"a": 1, "b": 1}, workspace.folder("next"))).result == 2
    for stray in _processes(tmp_path / "stray"):  # it left the group, and no one is left to know of it
        stray.kill()


def _processes(path):
    pid = int(path.read_text())
    return [psutil.Process(pid)] if psutil.pid_exists(pid) else []


def test_closing_leaves_no_process(workspace):
    with LocalExecutor() as fresh:
        job = fresh.start(Job("deaths:busy", {}, workspace.folder("busy")))
        while job.pid is None:
            assert job.wait(0.02) is None
        server = psutil.Process(fresh._runner.pid)
        child = psutil.Process(job.pid)
    assert not server.is_running()
    assert not psutil.wait_procs([child], timeout=60)[1], "dead, and init has a moment to bury it"
    assert job.wait().failure.kind == "lost"


def test_a_fork_of_the_kernel_has_a_server_of_its_own(workspace):
    first = executor().run(Job("deaths:pid", {}, workspace.folder("kernel")))
    assert first.failure is None
    folder = workspace.folder("fork")
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            outcome = executor().run(Job("deaths:add", {"a": 2, "b": 2}, folder, wall_limit_s=60))
            code = 0 if outcome.result == 4 else 2
            executor().close()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert executor().run(Job("deaths:add", {"a": 1, "b": 1}, workspace.folder("kernel"))).result == 2


@pytest.mark.parametrize(
    ("name", "arguments", "limit_s", "kind"),
    [
        ("add", {"a": 1, "b": 2}, 60, None),
        ("segfault", {}, 60, "crashed"),
        ("busy", {}, 8, "timed_out"),
    ],
)
def test_without_fork_a_python_process_is_started(workspace, monkeypatch, name, arguments, limit_s, kind):
    monkeypatch.delattr(os, "fork")
    with LocalExecutor() as spawning:
        outcome = spawning.run(Job(f"deaths:{name}", arguments, workspace.folder(name), limit_s))
        assert isinstance(spawning._runner, Spawner)
    assert (outcome.failure and outcome.failure.kind) == kind
    assert outcome.result == (3 if kind is None else None)


def test_libraries_are_imported_once_for_all_jobs(workspace):
    with LocalExecutor() as fresh:
        assert fresh.run(Job("deaths:add", {"a": 1, "b": 1}, workspace.folder("one"))).result == 2
        fresh.preload(["colorsys", "no_such_library"])
        found = fresh.run(Job("deaths:is_imported", {"name": "colorsys"}, workspace.folder("two"))).result
        assert found
        assert not fresh.run(Job("deaths:is_imported", {"name": "no_such_library"}, workspace.folder("three"))).result
