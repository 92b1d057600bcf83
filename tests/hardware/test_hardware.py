"""The noun Hardware."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tauto.errors import InvalidArgument
from tauto.hardware import Hardware


def made(**changes) -> Hardware:
    return dataclasses.replace(Hardware.current(), **changes)


def test_this_machine():
    hardware = Hardware.current()
    assert hardware.device == "cpu"
    assert hardware.name
    assert 1 <= hardware.cores <= (os.cpu_count() or 1)
    assert hardware.memory_bytes > 2**28
    assert len(hardware.fingerprint) == 16


def test_the_fingerprint_is_the_same_in_another_process():
    code = "from tauto.hardware import Hardware; print(Hardware.current().fingerprint)"
    root = Path(__file__).parents[2]
    # sets of names come in another order there
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root, env=environment, timeout=120
    )
    assert done.stdout.strip() == Hardware.current().fingerprint


def test_none_is_cuda_where_there_is_one():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert Hardware.current(None).device == expected


@pytest.mark.parametrize("device", ["gpu", "cuda:0", 3])
def test_an_unknown_device_is_named(device):
    with pytest.raises(InvalidArgument, match=r"device: .* is not a device. Write 'cpu', 'cuda' or 'mps'"):
        Hardware.current(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has CUDA")
def test_a_device_that_is_not_here_is_named():
    with pytest.raises(InvalidArgument, match="finds no 'cuda' device here"):
        Hardware.current("cuda")


def test_cores_follow_the_affinity_and_the_fingerprint_follows_the_cores(monkeypatch):
    before = Hardware.current()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(before.cores + 1)), raising=False)
    monkeypatch.setattr("tauto.hardware.hardware.cgroup_cpus", lambda: None)
    after = Hardware.current()
    assert after.cores == before.cores + 1
    assert after.fingerprint != before.fingerprint


def test_a_cgroup_quota_and_memory_limit_are_respected(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)
    monkeypatch.setattr("tauto.hardware.hardware.cgroup_cpus", lambda: 3.9)
    monkeypatch.setattr("tauto.hardware.hardware.cgroup_memory_bytes", lambda: 2**29)
    hardware = Hardware.current()
    assert (hardware.cores, hardware.memory_bytes) == (3, 2**29)


def test_compiler_is_the_one_that_inductor_takes(monkeypatch, tmp_path: Path):
    usual = tmp_path / ("clang++" if sys.platform == "darwin" else "g++")
    other = tmp_path / "my-compiler"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert Hardware.current().compiler is None
    for path in (usual, other):
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    assert Hardware.current().compiler == str(usual)
    monkeypatch.setenv("CXX", "my-compiler")
    assert Hardware.current().compiler == str(other)
    monkeypatch.setenv("CXX", "missing")
    assert Hardware.current().compiler is None


def test_summary_is_one_line_with_units():
    hardware = made(
        name="AMD EPYC", cores=1, memory_bytes=25274793984, instruction_sets=frozenset({"SM90", "VNNI", "AVX2"})
    )
    assert hardware.summary == "AMD EPYC, 1 core, 23.5 GiB, AVX2, VNNI, SM90"


def test_has_asks_for_all():
    hardware = made(instruction_sets=frozenset({"AVX2", "VNNI", "SM90"}))
    assert hardware.has("AVX2", "VNNI")
    assert hardware.has()
    assert not hardware.has("AVX2", "AMX_BF16")
    assert hardware.has("SM80")
    assert not hardware.has("SM100")
    assert not made(instruction_sets=frozenset({"AVX2"})).has("SM80")


def test_has_refuses_a_name_that_does_not_exist():
    with pytest.raises(InvalidArgument, match=r"'AVX-512'.*Did you mean 'AVX512'"):
        Hardware.current().has("AVX-512")


def test_importing_the_room_initialises_no_cuda_and_starts_no_operator_threads():
    code = (
        "import threading, torch; import tauto.hardware; tauto.hardware.Hardware.current();"
        "assert not torch.cuda.is_initialized(); assert threading.active_count() == 1"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=120)
