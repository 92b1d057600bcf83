"""Phases, steps, lines and use of the machine in cells of any shape and length."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset

from tauto.profiling import ProfileSession
from tauto.reports import ProfileReport

pytestmark = pytest.mark.usefixtures("untouched")

X = torch.randn(8, 6, generator=torch.Generator().manual_seed(1))
Y = torch.arange(8) % 3


def make_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 3))


def phases(report: ProfileReport) -> dict[str, int]:
    """Return the calls of each phase, after checking that the phases are the whole wall time."""
    assert sum(phase.total_ms for phase in report.phases) == pytest.approx(report.wall_ms)
    assert all(phase.total_ms >= 0 for phase in report.phases)
    outside = sum(phase.total_ms for phase in report.phases if phase.name in ("data", "loss", "other"))
    assert report.outside_ms == pytest.approx(outside)
    return {phase.name: phase.calls for phase in report.phases}


def spent(report: ProfileReport, name: str) -> float:
    return next((phase.total_ms for phase in report.phases if phase.name == name), 0.0)


class Naps:
    """Sleeps, and knows how long each kind of it really took."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}

    def __call__(self, kind: str, seconds: float) -> None:
        began = time.perf_counter()
        time.sleep(seconds)
        self.ms[kind] = self.ms.get(kind, 0.0) + (time.perf_counter() - began) * 1e3


class Slow(Dataset):
    def __init__(self, samples: int = 16, pause_s: float = 0.005) -> None:
        self.samples, self.pause_s, self.nap = samples, pause_s, Naps()

    def __len__(self):
        return self.samples

    def __getitem__(self, index):
        self.nap("data", self.pause_s)
        return X[index % 8], Y[index % 8]


def test_phases_of_a_training_loop():
    net, criterion = make_net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters())
    nap = (data := Slow()).nap
    with ProfileSession() as session:
        for inputs, labels in DataLoader(data, batch_size=4):
            optimizer.zero_grad()
            output = net(inputs)
            nap("loss", 0.01)  # between forward and backward
            criterion(output, labels).backward()
            optimizer.step()
            nap("other", 0.005)
    report = session.report
    calls = phases(report)
    assert calls == {"data": 5, "forward": 4, "loss": 4, "backward": 4, "optimizer": 4, "other": 0}
    assert set(nap.ms) == {"data", "loss", "other"}
    assert all(spent(report, phase) >= slept for phase, slept in nap.ms.items()), "and so none has another's"
    assert report.steps.unit == "optimizer step"
    assert (report.steps.count, report.steps.sampled) == (4, (2, 3, 4))
    assert report.steps.median_ms >= 20


def test_phases_with_workers_and_without_training():
    net = make_net().eval()
    with torch.inference_mode(), ProfileSession() as session:
        for inputs, _ in DataLoader(Slow(8, 0.05), batch_size=2, num_workers=1):
            net(inputs)
    report = session.report
    assert phases(report) == {"data": 5, "forward": 4, "other": 0}
    assert spent(report, "data") > 100
    assert (report.steps.unit, report.steps.count, report.steps.sampled) == ("model call", 4, (2, 3, 4))


def test_gradient_accumulation_samples_whole_steps():
    net = make_net()
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with ProfileSession() as session:
        for step in range(80):
            nn.functional.cross_entropy(net(X), Y).backward()
            if step % 8 == 7:
                optimizer.step()
                optimizer.zero_grad()
    report = session.report
    assert phases(report)["backward"] == 80
    assert (report.steps.unit, report.steps.count) == ("optimizer step", 10)
    assert report.steps.sampled[0] == 1
    later = [mark for mark in session._recorder.marks if mark.step > 1]
    assert later
    assert all(sum(mark.step == one.step for mark in later) == 8 for one in later), "steps are traced from end to end"


def test_closures_of_an_optimizer_keep_their_own_phases():
    net = make_net()
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=3)

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(X), Y)
        loss.backward()
        return loss

    with ProfileSession() as session:
        for _ in range(3):
            optimizer.step(closure)
    calls = phases(session.report)
    assert calls["optimizer"] == 3
    assert calls["forward"] == calls["backward"] >= 9


def test_a_step_that_fails_ends_its_phase():
    net = make_net()
    optimizer = torch.optim.LBFGS(net.parameters())

    def closure():
        raise KeyError("mine")

    with ProfileSession() as session:
        for _ in range(2):
            with pytest.raises(KeyError):
                optimizer.step(closure)
            time.sleep(0.02)
            net(X)
            time.sleep(0.1)
    report = session.report
    phases(report)
    assert spent(report, "other") >= 180
    assert report.steps.unit == "model call"


@pytest.mark.parametrize("reentrant", [False, True])
def test_recomputation_stays_inside_the_backward_pass(reentrant):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = make_net()

        def forward(self, x):
            return checkpoint(self.body, x, use_reentrant=reentrant)

    net = Net()
    with ProfileSession() as session:
        for _ in range(6):
            net(X.clone().requires_grad_()).sum().backward()
    assert phases(session.report) == {"forward": 6, "loss": 6, "backward": 6, "other": 0}
    assert session._recorder.recomputed_calls == 6
    assert session.report.modules[0].backward_ms > 0


def test_autocast_and_two_models():
    generator, critic = make_net(), nn.Linear(3, 1)
    both = [torch.optim.SGD(model.parameters(), 0.1) for model in (generator, critic)]
    with ProfileSession({"generator": generator, "critic": critic}) as session:
        for _ in range(12):
            for optimizer in both:
                optimizer.zero_grad()
                with torch.autocast("cpu", torch.bfloat16):
                    loss = critic(generator(X)).mean()
                loss.backward()
                optimizer.step()
    report = session.report
    assert phases(report) == {"forward": 48, "loss": 24, "backward": 24, "optimizer": 24, "other": 0}
    assert report.steps.count == 12, "of the first optimizer"
    assert [root.name for root in report.roots] == ["generator", "critic"]
    assert {row.precision for row in report.modules if row.flops} == {"bfloat16"}


def test_phases_of_several_threads_are_still_the_wall_time():
    nets = [make_net() for _ in range(3)]

    def work(net):
        for _ in range(20):
            net(X).sum().backward()

    with ProfileSession() as session:
        threads = [threading.Thread(target=work, args=(net,)) for net in nets[1:]]
        for thread in threads:
            thread.start()
        work(nets[0])
        for thread in threads:
            thread.join()
    assert phases(session.report)["backward"] == 60


def test_backward_and_activations_by_module():
    net = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 4))
    x = torch.randn(512, 64)
    with ProfileSession() as session:
        for _ in range(6):
            net(x).sum().backward()
    top, first, relu, last = session.report.modules
    assert top.backward_ms == pytest.approx(first.backward_ms + relu.backward_ms + last.backward_ms)
    assert min(first.backward_ms, relu.backward_ms, last.backward_ms) > 0
    assert first.activation_bytes == relu.activation_bytes == 512 * 256 * 4
    assert last.activation_bytes == 512 * 4 * 4
    assert {row.precision for row in session.report.modules} == {"float32"}
    work = 512 * 2 * 64 * 256
    assert first.flops == first.calls * work, "of the forward pass alone, as its time is"
    with torch.inference_mode(), ProfileSession() as session:
        net(x)
    assert session.report.modules[0].backward_ms is None
    assert session.report.modules[0].activation_bytes == 512 * 4 * 4


def test_later_steps_are_sampled_more_and_more_rarely():
    net = make_net()
    count, ends = 0, time.monotonic() + 120
    with torch.inference_mode(), ProfileSession() as session:
        # the later ones wait until tracing them costs next to nothing: on a slow machine, for long
        while count < 300 or (all(mark.call <= 6 for mark in session._recorder.marks) and time.monotonic() < ends):
            net(X)
            time.sleep(0.01)
            count += 1
    steps = session.report.steps
    assert steps.count == count
    assert steps.sampled[:5] == (2, 3, 4, 5, 6)
    assert 6 <= len(steps.sampled) <= 15
    growth = [after / before for before, after in pairwise(steps.sampled[4:])]
    assert min(growth) >= 1.5
    assert session.report.modules[0].calls == len(steps.sampled)


def test_a_window_closes_when_plain_torch_follows(monkeypatch):
    monkeypatch.setattr("tauto.profiling.recorder._IDLE_NS", 50_000_000)  # fewer events to read
    net = make_net()
    with ProfileSession() as session:
        net(X)
        until = time.monotonic() + 60
        while session._tracer.running and time.monotonic() < until:
            X.add(1)
        open_still = session._tracer.running
        net(X)
    assert not open_still
    first = session._tracer
    assert first.cost_ns > 0
    assert session.report.root_calls == 2
    assert sum(row.calls for row in session.report.operators if row.name == "aten::add") < 1_000_000


class Long(nn.Module):
    """Very many small operators in one call."""

    def forward(self, x, goes_on):
        while goes_on():
            x = x + 1
        return x


def test_a_window_closes_inside_a_call_that_does_not_end(monkeypatch):
    monkeypatch.setattr("tauto.profiling.sampling._IMPATIENCE_NS", 50_000_000)  # fewer events to read
    net, ends = Long(), time.monotonic() + 60
    with torch.inference_mode(), ProfileSession() as session:
        net(X, lambda: not session._tracer.windows and time.monotonic() < ends)
        cut = session._tracer.windows[0].cut
        for _ in range(2):
            few = iter(range(20))
            net(X, lambda few=few: next(few, None) is not None)
    assert cut
    assert session.report.steps.sampled == (2, 3), "the first was cut"
    assert session.report.root_calls == 3


def test_lines_tell_where_the_time_goes():
    net = make_net()

    def batches():
        for _ in range(30):
            time.sleep(0.04)
            yield X

    with ProfileSession() as session:
        for batch in batches():
            net(batch)
    report = session.report
    top = report.lines[0]
    assert top.file == Path(__file__).name
    assert top.source == "time.sleep(0.04)"
    assert top.waits_for_data
    assert top.phase == "other"
    assert top.share > 0.5
    assert sum(line.share for line in report.lines) <= 1 + 1e-9


def test_use_of_the_machine():
    with ProfileSession() as session:
        until = time.process_time() + 0.6  # of the processor, however long other work makes that take
        while time.process_time() < until:
            pass
    usage = session.report.usage
    assert 2 <= len(usage.times_ms) == len(usage.process_bytes) <= 201
    assert list(usage.times_ms) == sorted(usage.times_ms)
    assert all(len(core) == len(usage.times_ms) for core in usage.core_shares)
    assert max(max(core) for core in usage.core_shares) > 0.3


LONG = """
import os, sys, time
import torch
from torch import nn
from tauto.profiling import ProfileSession

torch.set_num_threads(1)
net = nn.Linear(4, 4)
x = torch.zeros(1, 4)

def private():
    resident, shared = map(int, open("/proc/self/statm").read().split()[1:3])
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")

def run(steps):
    for _ in range(steps):
        net(x)

run(200)
with ProfileSession() as warm:
    run(20)
warm.report
before = private()
with ProfileSession() as session:
    run(100_000)
during = session._memory.peak_bytes
report = session.report
print(during - before, private() - before, report.steps.count, len(report.steps.sampled), report.wall_ms)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_hundred_thousand_steps_take_little_memory():
    done = subprocess.run([sys.executable, "-c", LONG], capture_output=True, text=True, check=True)
    during, after, steps, sampled, _ = map(float, done.stdout.split())
    assert max(during, after) < 300 * 2**20
    assert steps == 100_000
    assert 5 <= sampled < 60
