from __future__ import annotations

import mmap
import os
import time

import pytest
import torch
from torch import nn

from tauto.hardware import Ceilings
from tauto.profiling import ProfileSession
from tauto.profiling.anatomy import anatomy_of
from tauto.profiling.memory import MemoryWatch
from tauto.profiling.names import name_of
from tauto.profiling.quiet import quiet_stderr
from tauto.profiling.roofline import OVERHEAD_SHARE, place
from tauto.profiling.trace import Work
from tauto.profiling.watch import Watch

CEILINGS = Ceilings({"float32": 100.0, "bfloat16": 1000.0}, 50.0, 10.0, "", "")


def work(flops: int = 0, precision: str = "float32", cache: int = 0, memory: int = 0) -> Work:
    made = Work(cache_bytes=cache, memory_bytes=memory, operators=1)
    made.flops[precision] = flops
    return made


@pytest.mark.parametrize(
    ("done", "bound", "share", "resource"),
    [
        (work(flops=60_000), "compute", 0.6, "float32"),
        (work(flops=600_000, precision="bfloat16"), "compute", 0.6, "bfloat16"),
        (work(flops=60_000, precision="float16"), "compute", 0.6, "float16"),  # no ceiling: against float32's
        (work(flops=10_000, memory=5_000), "memory", 0.5, "copy_memory"),
        (work(flops=10_000, cache=25_000), "memory", 0.5, "copy_cache"),
        (work(flops=10_000, cache=500), "overhead", 0.1, "float32"),
    ],
)
def test_roofline(done, bound, share, resource):
    placed = place(done, 1000, CEILINGS)
    assert (placed.bound, placed.resource) == (bound, resource)
    assert placed.share == pytest.approx(share)
    assert (share < OVERHEAD_SHARE) == (bound == "overhead")


def test_roofline_of_nothing():
    assert place(Work(), 1000, CEILINGS).bound is None
    assert place(work(flops=1), 0, CEILINGS).share is None


@torch.library.custom_op("tauto_tests::secret", mutates_args=())
def secret(x: torch.Tensor) -> torch.Tensor:
    time.sleep(0.002)
    return torch.from_numpy(x.numpy() * 3)


class Secret(nn.Module):
    def forward(self, x):
        return secret(x) + 1


def test_uncounted_operators_are_named_with_their_share():
    with torch.no_grad(), ProfileSession() as session:
        net = Secret()
        for _ in range(3):
            net(torch.ones(4))
    [line] = session.report.uncounted
    name, share = line.split(" ", 1)
    assert name == "tauto_tests::secret"
    assert 50 < float(share.strip("()% ")) <= 100
    assert next(row for row in session.report.operators if row.name == name).flops is None


def test_self_times_add_up():
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64))
    with ProfileSession() as session:
        for _ in range(6):
            net(torch.zeros(16, 64))
    report = session.report
    assert sum(row.self_ms for row in report.modules) == pytest.approx(report.modules[0].total_ms)


def test_memory_watch_sees_a_peak_that_has_gone():
    memory = MemoryWatch()
    memory.open()
    watch = Watch(0.01, ((2, memory.look),))
    watch.start()
    before = memory.peak_bytes
    with mmap.mmap(-1, 64 * 2**20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block.write(b"1" * len(block))  # pages that no allocator had before
        until = time.monotonic() + 60
        while memory.peak_bytes - before <= 48 * 2**20 and time.monotonic() < until:
            time.sleep(0.01)
    watch.stop()
    memory.close()
    assert memory.peak_bytes - before > 48 * 2**20


def test_quiet_stderr_lets_other_lines_through(capfd):
    with quiet_stderr():
        os.write(2, b"USDT:2026 profiler_start\nmine\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "mine\nafter\n"


def test_name_of():
    class Trainer:
        def __init__(self, model):
            self.model = model

        @property
        def trap(self):
            raise AssertionError("no property is run")

    net, inner = nn.Linear(1, 1), nn.Linear(1, 1)
    space = {"_": net, "trainer": Trainer(net), "whole": nn.ModuleDict({"part": inner}), "n": 3}
    assert name_of(net, space) == "trainer.model"
    assert name_of(net, space | {"net": net}) == "net"
    assert name_of(inner, space) == "whole.part"
    assert name_of(nn.Identity(), space) == ""


def test_anatomy():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1))
    facts = anatomy_of(net)
    assert (facts.kind, facts.convolutions, facts.foldable_norms) == ("Sequential", 2, 1)
    assert (facts.channels_last, facts.trainable, facts.opaque) == (False, True, "")
    assert anatomy_of(net.to(memory_format=torch.channels_last)).channels_last
    assert not anatomy_of(net.requires_grad_(False)).trainable


def test_each_module_has_the_time_of_its_own_operators_forward_and_backward():
    net = nn.Sequential(nn.Linear(64, 64), nn.Softmax(dim=1))
    with ProfileSession() as session:
        for _ in range(3):
            net(torch.ones(32, 64, requires_grad=True)).sum().backward()
    whole, linear, softmax = session.report.modules
    assert whole.operators == {}
    assert {"aten::addmm", "aten::mm"} <= set(linear.operators)  # its backward pass, too
    assert "aten::_softmax" in softmax.operators
    assert "aten::_softmax" not in linear.operators
    assert all(ms >= 0 for row in (linear, softmax) for ms in row.operators.values())
