"""Memory of a fresh process; each figure is taken in a child, as a variant's is."""

import multiprocessing
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from tauto.measurement.memory import PrivateMemory, footprint_bytes, private_bytes, steady_memory
from tauto.workload import Call

MB = 1_000_000
WIDTH = 2500  # one layer of 25 MB


def in_child(function, *arguments):
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(function, arguments)


def linear():
    return nn.Linear(WIDTH, WIDTH, bias=False)


def mapped(path):
    model = nn.Linear(WIDTH, WIDTH, bias=False, device="meta")
    model.load_state_dict(torch.load(path, mmap=True), assign=True)
    return model


def memory_of(build, *arguments):
    torch.set_num_threads(1)
    call = Call((torch.ones(1, WIDTH),))
    linear()(call.args[0])  # torch itself is warm
    return steady_memory(lambda: build(*arguments), call, ("json",))


def growth_with_transient():
    with PrivateMemory() as memory:
        block = bytearray(80 * MB)
        block[::4096] = b"x" * len(block[::4096])
        during, until = memory.growth_bytes, time.monotonic() + 60
        while memory._peak_private - memory._base_private < 75 * MB and time.monotonic() < until:
            time.sleep(0.01)  # until it was looked at
        del block
    return during, memory.growth_bytes, memory.peak_bytes


def test_weights_that_are_allocated_count():
    assert 24 * MB < in_child(memory_of, linear) < 45 * MB


@pytest.mark.skipif(sys.platform != "linux", reason="mapped files are counted on Linux")
def test_weights_that_are_mapped_from_a_file_count_alike(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(linear().state_dict(), path)
    assert 24 * MB < in_child(memory_of, mapped, str(path)) < 45 * MB


def test_peak_and_growth_are_told_apart():
    during, after, peak = in_child(growth_with_transient)
    assert during > 75 * MB
    assert peak > 75 * MB
    assert after < 20 * MB


def test_footprint_holds_private_memory():
    assert private_bytes() > 0
    assert footprint_bytes() >= 0.9 * private_bytes()


def rss_bytes_of_files():
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return footprint_bytes() - private_bytes(), int(fields["RssFile"].split()[0]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="mapped files are counted on Linux")
def test_programs_and_libraries_do_not_count():
    counted, resident = in_child(rss_bytes_of_files)
    assert resident > 50 * MB  # torch's libraries
    assert counted < 10 * MB


def test_a_runtime_that_is_not_there_is_an_import_error():
    with pytest.raises(ModuleNotFoundError, match="no_such_runtime"):
        steady_memory(linear, Call((torch.ones(1, WIDTH),)), ("no_such_runtime",))
