"""Cells and models that make it hard: each right, and nothing of the session left behind."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader, Dataset

from tauto.interrupts import held_interrupts
from tauto.profiling import ProfileSession
from tauto.profiling.interrupts import run_on_main_thread
from tauto.profiling.tracer import Tracer

pytestmark = pytest.mark.usefixtures("untouched")

X = torch.randn(8, 16, generator=torch.Generator().manual_seed(1))


def make_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))


def test_a_model_that_is_never_called():
    net = make_net()
    with ProfileSession({"net": net}) as session:
        sum(parameter.sum() for parameter in net.parameters())
    report = session.report
    assert (report.root_calls, report.roots, report.steps) == (0, (), None)
    assert [phase.name for phase in report.phases] == ["other"]


def test_a_training_cell_that_raises_in_the_middle():
    net = make_net()
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    session = ProfileSession({"net": net})

    def cell():
        with session:
            for step in range(5):
                net(X).sum().backward()
                if step == 3:
                    raise ZeroDivisionError
                optimizer.step()

    with pytest.raises(ZeroDivisionError):
        cell()
    report = session.report
    assert (report.root_calls, report.steps.count) == (4, 3)
    assert sum(phase.total_ms for phase in report.phases) == pytest.approx(report.wall_ms)


@pytest.mark.filterwarnings("ignore")
def test_a_quantized_model():
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8)).eval()
    quantize_(net, Int8DynamicActivationInt8WeightConfig())
    x = torch.randn(8, 64)
    with torch.inference_mode():
        expected = net(x)
        with ProfileSession({"net": net}) as session:
            found = [net(x) for _ in range(8)]
    assert all(torch.equal(expected, one) for one in found)
    report = session.report
    assert (report.roots[0].name, report.root_calls, report.sampled_calls) == ("net", 8, 5)
    assert [row.path for row in report.modules] == ["", "0", "1", "2"]


@pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")
def test_a_model_in_ddp(tmp_path):
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        net = nn.parallel.DistributedDataParallel(make_net())
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        with ProfileSession({"net": net}) as session:
            for _ in range(8):
                optimizer.zero_grad()
                net(X).sum().backward()
                optimizer.step()
    finally:
        dist.destroy_process_group()
    report = session.report
    assert (report.roots[0].calls, report.steps.count) == (8, 8)
    assert [row.path for row in report.modules] == ["", "module", "module.0", "module.1", "module.2"]
    assert report.modules[1].backward_ms > 0


def test_profilers_of_the_user_and_hooks_on_the_way_back():
    net, order, x = make_net(), [], X.clone().requires_grad_()
    net[0].register_full_backward_hook(lambda *_: order.append("backward"))
    net[0].weight.register_hook(lambda gradient: order.append("gradient"))
    with ProfileSession() as session:
        for _ in range(8):
            net(x).sum().backward()
    assert order.count("backward") == order.count("gradient") == 8
    assert session.report.root_calls == 8


class Failing(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index == 5:
            raise ValueError("a bad sample")
        return X[index]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_that_fails(workers):
    net = make_net()
    session = ProfileSession()

    def cell():
        with session:
            for batch in DataLoader(Failing(), batch_size=2, num_workers=workers):
                net(batch)

    with pytest.raises(ValueError, match="a bad sample"):
        cell()
    assert session.report.root_calls == 2
    assert session.report.phases[0].calls == 3


def test_models_without_end_share_their_records():
    with torch.inference_mode(), ProfileSession() as session:
        for _ in range(600):
            nn.Linear(16, 2)(X)
    assert session.report.root_calls == 600
    assert len(session.report.roots) <= 256


def test_a_cell_in_another_thread_than_the_main_one():
    net, reports = make_net(), []

    def work():
        with ProfileSession({"net": net}) as session:
            for _ in range(8):
                net(X).sum().backward()
            time.sleep(0.4)  # the window is closed at the next thing seen
            net(X)
        reports.append(session.report)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    [report] = reports
    assert (report.root_calls, report.steps.sampled[:5]) == (9, (2, 3, 4, 5, 6))


def test_ctrl_c_waits_until_a_held_block_has_ended():
    reached = []

    def block():
        with held_interrupts():
            _thread.interrupt_main()
            reached.extend(range(1000))

    with pytest.raises(KeyboardInterrupt):
        block()
    assert len(reached) == 1000


def test_ctrl_c_inside_a_call_on_the_main_thread_still_rises():
    def interrupted():
        raise KeyboardInterrupt

    def cell():
        run_on_main_thread(interrupted)
        for _ in range(1_000_000):
            time.sleep(0.001)

    with pytest.raises(KeyboardInterrupt):
        cell()


class Interrupting:
    """Presses Ctrl-C while torch's profiler starts and stops."""

    def window_opens(self):
        _thread.interrupt_main()

    def window_closed(self, window):
        _thread.interrupt_main()


def test_ctrl_c_while_the_tracer_starts_and_stops():
    tracer = Tracer(listener=Interrupting())
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            tracer.start()
        assert tracer.running
        assert torch.autograd.profiler._is_profiler_enabled
        with pytest.raises(KeyboardInterrupt):
            tracer.stop()
        assert not tracer.running
        assert not torch.autograd.profiler._is_profiler_enabled
    assert len(tracer.windows) == 3


@pytest.mark.parametrize("attempt", range(6))
def test_ctrl_c_anywhere(attempt):
    """Ctrl-C again and again at odd moments, some of them inside our own code."""
    net = make_net()
    stop = threading.Event()

    def pester():
        while not stop.wait(0.001 + 0.007 * attempt):
            _thread.interrupt_main()

    pest = threading.Thread(target=pester)
    expected = net(X)
    session = ProfileSession()

    def cell():
        with session:
            pest.start()
            while True:
                net(X).sum().backward()

    def raises_in_the_cell(number, frame):
        """One more may come when the cell has ended: it must not end the tests."""
        while frame is not None:
            if frame.f_code is cell.__code__:
                raise KeyboardInterrupt
            frame = frame.f_back

    before = signal.signal(signal.SIGINT, raises_in_the_cell)
    try:
        with pytest.raises(KeyboardInterrupt):
            cell()
        stop.set()
        pest.join()
        time.sleep(0.01)
    finally:
        signal.signal(signal.SIGINT, before)
    assert torch.equal(net(X), expected)


QUIET = """
import sys, time
import torch
from torch import nn
from tauto.profiling import ProfileSession
net = nn.Linear(4, 4)
with ProfileSession(stacks=True) as session:
    for _ in range(200):
        net(torch.zeros(1, 4)).sum().backward()
        net.zero_grad()
        time.sleep(0.002)
session.report
"""


def test_nothing_of_torchs_profiler_reaches_the_screen():
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=True, env=os.environ)
    assert (done.stdout, done.stderr) == ("", "")


COLLECTING = """
import gc, sys, threading
from tauto.profiling.lines import LineWatch

class Ring:
    def __init__(self):
        self.ring, self.local = self, threading.local()

def deep(depth):
    if depth:
        return deep(depth - 1)
    for _ in range(300):
        Ring()

def look():
    while not done.is_set():
        watch.look()

done = threading.Event()
watch = LineWatch(threading.get_ident(), lambda: "other")
thread = threading.Thread(target=look)
gc.set_threshold(5)
sys.setswitchinterval(1e-5)
thread.start()
for _ in range(30):
    deep(20)
done.set()
thread.join()
assert watch.looks and gc.isenabled()
"""


def test_looking_at_frames_while_garbage_is_collected():
    """Python before 3.11.9 stood still here within a second (CPython gh-106883)."""
    subprocess.run([sys.executable, "-c", COLLECTING], check=True, timeout=120, env=os.environ)
