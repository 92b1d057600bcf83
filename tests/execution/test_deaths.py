"""Each kind of death is a failed job with its reason, and the next job runs."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import psutil
import pytest

from tauto.errors import CandidateFailed, EvaluateError, TrialFailed
from tauto.execution import Job

MB = 10**6


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def running(pid):
    """Whether ``pid`` is more than an entry that init has yet to collect."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def run(local, workspace):
    def run(name, wall_limit_s=300, memory_limit_bytes=None, **arguments):
        folder = workspace.folder(name)
        return local.run(Job(f"deaths:{name}", arguments, folder, wall_limit_s, memory_limit_bytes))

    return run


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "words"),
    [
        ("segfault", {}, "crashed", "crashed with SIGSEGV (signal 11)"),
        ("abort", {}, "crashed", "crashed with SIGABRT (signal 6)"),
        ("exit_with", {"code": 3}, "exited", "ended itself with exit code 3"),
        ("exit_with", {"code": 0}, "exited", "ended itself with exit code 0"),
        ("sys_exit", {"code": 4}, "exited", "ended itself with exit code 4"),
        ("raise_value_error", {}, "raised", "raised ValueError: seven is not eight"),
        ("refuse", {}, "refused", "this hardware has no bfloat16"),
        ("evaluate_error", {}, "raised", "evaluate returned nan"),
        ("memory_error", {}, "out_of_memory", "raised MemoryError"),
        ("unsayable", {}, "raised", "raised TypeError: Object of type set is not JSON serializable"),
        ("no_such_function", {}, "raised", "raised AttributeError: module 'deaths' has no attribute"),
    ],
)
def test_a_bad_end_is_named_and_the_next_job_runs(run, name, arguments, kind, words):
    before = os.getpid()
    outcome = run(name, **arguments)
    assert outcome.failure.kind == kind
    assert words in outcome.failure.reason
    assert ("Traceback" in outcome.output_tail) == (kind != "refused" and outcome.failure.error is not None)
    assert outcome.result is None
    assert os.getpid() == before
    assert run("add", a=2, b=3).result == 5


@pytest.mark.parametrize("name", ["deadlock", "busy", "shielded"])
def test_what_does_not_end_is_stopped(run, name):
    outcome = run(name, wall_limit_s=0.5)
    assert outcome.failure.kind == "timed_out"
    assert outcome.failure.reason == "did not end within 0.5 s: stopped"
    assert run("add", a=2, b=3).result == 5


@pytest.mark.parametrize("grandchildren", [0, 2])
def test_memory_of_the_whole_group_is_limited(run, grandchildren):
    outcome = run("eat", memory_limit_bytes=800 * MB, grandchildren=grandchildren)
    assert outcome.failure.kind == "out_of_memory"
    assert outcome.failure.reason == "used more than 0.8 GB of private memory: stopped"
    assert outcome.peak_private_bytes > 800 * MB


@pytest.mark.skipif(sys.platform != "linux", reason="reads smaps_rollup")
def test_pages_that_forks_share_are_counted_once(run):
    outcome = run("fork_with_large_memory", memory_limit_bytes=900 * MB, size=500 * MB, children=3)
    assert outcome.failure is None
    assert 500 * MB < outcome.peak_private_bytes < 900 * MB


def test_kill_from_outside(local, workspace):
    job = local.start(Job("deaths:busy", {}, workspace.folder("busy")))
    wait_for(lambda: job.pid)
    os.kill(job.pid, signal.SIGKILL)
    failure = job.wait().failure
    assert failure.kind == "killed"
    assert "was killed with SIGKILL from outside" in failure.reason
    assert not job.alive


def test_kill_takes_the_family_along(local, workspace, tmp_path):
    job = local.start(Job("deaths:sleep_with_family", {"marks": str(tmp_path)}, workspace.folder("family")))
    wait_for(lambda: len(list(tmp_path.glob("[!.w]*"))) == 4)
    pids = [int(path.read_text()) for path in tmp_path.glob("[!.w]*")]
    assert job.kill().failure.kind == "killed"
    assert not any(running(pid) for pid in pids)


def test_strays_of_a_job_that_returned_are_ended(run, tmp_path):
    assert run("leave_stray", marks=str(tmp_path)).result == "done"
    assert not running(int((tmp_path / "stray").read_text()))


def test_result_times_and_output(run):
    outcome = run("add", a=1, b=2)
    assert outcome.failure is None
    assert outcome.output_tail == "adding"
    assert 0 < outcome.startup_s <= outcome.wall_s
    assert outcome.peak_private_bytes > MB


def test_what_was_printed_before_a_crash_is_kept(run):
    tail = run("segfault").output_tail
    assert "last words" in tail
    assert "Segmentation fault" in tail


def test_each_job_has_a_process_of_its_own(run):
    assert run("pid").result != run("pid").result


def test_failures_become_the_exceptions_they_were(run):
    assert isinstance(run("refuse").failure.to_exception(), CandidateFailed)
    assert isinstance(run("evaluate_error").failure.to_exception(), EvaluateError)
    assert isinstance(run("segfault").failure.to_exception(), TrialFailed)


def test_several_jobs_at_once_keep_apart(local, workspace, tmp_path):
    slow = local.start(Job("deaths:busy", {}, workspace.folder("slow"), wall_limit_s=300))
    outcomes = [local.run(Job("deaths:add", {"a": n, "b": 1}, workspace.folder("add"))) for n in range(3)]
    assert [outcome.result for outcome in outcomes] == [1, 2, 3]
    local.run(Job("deaths:segfault", {}, workspace.folder("segfault")))
    assert slow.alive
    assert slow.kill().failure.kind == "killed"


def test_an_interrupt_stops_the_job_first(interruptible, local, workspace, tmp_path):
    job = Job("deaths:sleep_with_family", {"marks": str(tmp_path)}, workspace.folder("family"), wall_limit_s=300)

    def interrupt():
        wait_for(lambda: len(list(tmp_path.glob("[!.w]*"))) == 4)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        local.run(job)
    thread.join()
    assert not any(running(int(path.read_text())) for path in tmp_path.glob("[!.w]*"))
