"""A trial of a fix that the user stops: what was measured is told, no process is left."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psutil
import pytest
import torch
from reports_by_hand import fix_report
from reports_by_hand import profile as profile_by_hand
from torch import nn

import tauto
from tauto.errors import Interrupted
from tauto.events import Progress, listening
from tauto.execution import Job, executor
from tauto.rendering import explain, headline, text
from tauto.reports import Finding, Fix, FixReport, report_from_dict
from tauto.reports.comparison import Verdict
from tauto.results import ProfileResult
from tauto.results.last import forget_last
from tauto.tuning.fix_trial import FixTrial
from tauto.tuning.fix_verdict import judged
from tauto.verbs.fix import fix
from tauto.workload.cell import Cell

CALLS = "while True:\n    net(torch.zeros(8, 6))\n    time.sleep(pause)"


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory: pytest.TempPathFactory) -> None:
    executor().preload(("torch._dynamo",))
    executor().run(Job("os:getpid", {}, tmp_path_factory.mktemp("first")))


@pytest.fixture(autouse=True)
def _never_sure(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("tauto.tuning.fix_trial.HALF_WIDTH", 0.0)
    forget_last()


def profiled(pause: float = 0.0, **options: Any) -> ProfileResult:
    finding = Finding(
        "planted", "It is slow", "Seen.", "%tauto_fix planted", "do_it()", fix=Fix("threads", "", options)
    )
    names = {"__name__": "__main__", "net": nn.Linear(6, 3), "torch": torch, "time": time, "pause": pause}
    report = replace(profile_by_hand(), findings=(finding,), steps=None, phases=(), device="cpu")
    return ProfileResult(report, Cell(CALLS, names), fix)


def stopped(result: ProfileResult, when: Callable[[Progress, int], bool]) -> FixReport:
    """Try the finding, press Ctrl-C at the progress that ``when`` chooses, and return what was delivered."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    counted: dict[str, int] = {}

    def listen(progress: Progress) -> None:
        counted[progress.message] = counted.get(progress.message, 0) + 1
        if when(progress, counted[progress.message]):
            signal.raise_signal(signal.SIGINT)

    with listening(listen), pytest.raises(Interrupted) as caught:
        result.apply("planted", budget="3min")
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before
    made: Any = caught.value.result
    assert tauto.last() is made
    assert result.findings[0].tried is None
    assert made.report.interrupted
    assert report_from_dict(made.report.to_dict()) == made.report
    report: FixReport = made.report
    return report


@pytest.mark.parametrize("pairs", [4, 9])
def test_what_was_timed_is_compared(pairs: int) -> None:
    report = stopped(
        profiled(count=1), lambda progress, count: progress.message.startswith("timing") and count == pairs
    )
    assert report.verdict in {"better", "same", "worse"}
    assert report.speedup_interval is not None
    assert report.speedup_interval.low <= (report.speedup or 0) <= report.speedup_interval.high
    for side in (report.original, report.fixed):
        assert side is not None
        assert side.step.blocks == pairs
        assert side.warm_up_ms > 0
        assert side.peak_bytes is None
    assert "peak memory and the loss were not read" in text(report)
    assert headline(report).startswith("Stopped early, ")


def test_without_the_peaks_a_fix_for_memory_has_no_verdict() -> None:
    told = replace(
        fix_report(objective="memory"), verdict=None, interrupted=True, reason="the peaks were not read",
        original=replace(fix_report().original, peak_bytes=None), fixed=replace(fix_report().fixed, peak_bytes=None),
    )  # fmt: skip
    assert judged(told, "better").verdict is None
    assert headline(judged(told, "better")) == "Stopped: the peaks were not read"


@pytest.mark.parametrize("by_time", ["better", "same", "worse"])
def test_where_the_peak_stays_a_fix_for_memory_is_judged_by_its_time(by_time: Verdict) -> None:
    report = fix_report(objective="memory")
    assert report.original is not None
    assert report.fixed is not None
    alike = replace(report, fixed=replace(report.fixed, peak_bytes=report.original.peak_bytes))
    found = judged(alike, by_time)
    assert found.verdict == by_time
    assert found.reason.startswith("the peak changed by less than 5 %")
    assert ("but in speed" in found.reason) == (by_time != "same")
    assert judged(report, "worse").verdict == "better"  # 780 MB became 690 MB


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("starting the cell as it is", "had not ended its first steps, so that nothing was measured"),
        ("starting the cell with the fix", "s as it is; with the fix nothing was measured"),
        ("timing both, in turn", "s with the fix; 1 of at least 3 blocks on each side were timed"),
    ],
)
def test_what_was_not_measured_is_said(message: str, said: str) -> None:
    report = stopped(profiled(count=1), lambda progress, count: progress.message == message and count == 1)
    assert (report.verdict, report.original, report.fixed) == (None, None, None)
    assert said in report.reason
    assert headline(report) == f"Stopped: {report.reason}"
    assert said in explain(report)


def test_ctrl_c_while_a_block_runs_ends_it() -> None:
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))

    def soon(progress: Progress, count: int) -> bool:
        if progress.message.startswith("timing") and count == 1:
            timer.start()
        return False

    stopped(profiled(pause=0.3, count=1), soon)


def test_ctrl_c_before_any_process_is_started_leaves_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    trial = FixTrial(Cell("1", {}), Fix("threads", "", {"count": 1}), "model call", 9.0)
    folder = trial._workspace.path
    assert folder.exists()
    monkeypatch.setattr(type(executor()), "preload", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trial.prepare()
    assert not folder.exists()
