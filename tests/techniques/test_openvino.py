"""What only OpenVINO's technique does."""

import dataclasses
import os
import pickle
import subprocess
import sys
import textwrap

import pytest
import torch
from engine_models import ConvNet, Mlp, Recurrent, bert, call_of, workload_of

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques import Context, technique
from tauto.techniques.engines.openvino import OpenVinoConfig
from tauto.techniques.engines.openvino_model import FIXED_SHAPES
from tauto.workload.structure import flatten

pytest.importorskip("openvino")


def hardware_with(*sets):
    return dataclasses.replace(Hardware.current(), instruction_sets=frozenset(sets))


def applied(workload, folder, precision, **context):
    return technique("openvino").apply(
        workload, OpenVinoConfig(precision), Context(folder, Hardware.current(), **context)
    )


def relative_error(module, model, call):
    with torch.no_grad():
        pairs = zip(flatten(call(module))[0], flatten(call(model))[0], strict=True)
        return max(float((mine - theirs).norm() / theirs.norm()) for mine, theirs in pairs)


@pytest.mark.parametrize("kind", [Mlp, ConvNet, Recurrent, bert])
def test_int8_is_close_at_every_batch_size(kind, tmp_path):
    workload = workload_of(kind, batch=8, samples=16)
    module = applied(workload, tmp_path, "int8")
    for batch in (1, 2, 5):
        assert 0 < relative_error(module, workload.model, call_of(kind, batch)) < 0.2


def test_observers_tell_ranges_apart(tmp_path):
    """One value far out: what takes the extremes spends its steps on it, what averages over the calls does less."""
    workload = workload_of(Mlp, batch=64, samples=4)
    workload.samples[0].args[0][0, 0] = 300.0
    usual, errors = call_of(Mlp, 32, seed=9), {}
    for observer in ("minmax", "quantile"):
        known, config = technique("openvino"), OpenVinoConfig("int8", observer)
        module = known.apply(workload, config, Context(tmp_path / observer, Hardware.current()))
        errors[observer] = relative_error(module, workload.model, usual)
    assert errors["quantile"] < 0.7 * errors["minmax"]


def test_int8_says_what_it_was_calibrated_on(tmp_path):
    module = applied(workload_of(Mlp), tmp_path, "int8")
    assert "1 sample, fewer than the 32" in repr(module)


def test_more_shapes_than_are_compiled_alone(tmp_path):
    workload = workload_of(Mlp)
    module = applied(workload, tmp_path, "float32")
    for batch in range(1, FIXED_SHAPES + 4):
        assert relative_error(module, workload.model, call_of(Mlp, batch)) < 1e-4
    assert len(module.engine._fixed) == FIXED_SHAPES
    held = module(x := torch.randn(FIXED_SHAPES + 5, 16))
    kept = held.clone()
    module(x + 1)
    assert torch.equal(held, kept)


@pytest.mark.parametrize("kind", [Mlp, ConvNet, bert])
def test_a_batch_is_answered_in_pieces(kind, tmp_path):
    workload, context = workload_of(kind, batch=6), Context(tmp_path, Hardware.current())
    module = technique("openvino").apply(workload, OpenVinoConfig(streams=3), context)
    for batch in (6, 9, 4):  # the last cannot be cut in three
        assert relative_error(module, workload.model, call_of(kind, batch)) < 1e-4
    held = call_of(kind, 6)(module)
    kept = [tensor.clone() for tensor in flatten(held)[0]]
    call_of(kind, 6, seed=5)(module)
    assert all(map(torch.equal, kept, flatten(held)[0]))
    assert relative_error(pickle.loads(pickle.dumps(module)), workload.model, call_of(kind, 6)) < 1e-4


@pytest.mark.parametrize(
    ("kind", "batch", "words"),
    [
        (Mlp, 7, "a batch of 7 cannot be cut into 3 equal pieces"),
        (Recurrent, 6, "not seen to answer each sample alone"),
    ],
)
def test_what_cannot_be_cut_is_said(kind, batch, words, tmp_path):
    context = Context(tmp_path, Hardware.current())
    with pytest.raises(CandidateFailed, match=words):
        technique("openvino").apply(workload_of(kind, batch=batch), OpenVinoConfig(streams=3), context)


def test_streams_are_proposed_where_each_thread_gets_a_piece(tmp_path):
    known, before = technique("openvino"), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        proposed = [
            {config.streams for config in known.space(workload_of(Mlp, batch=batch), Hardware.current())}
            for batch in (1, 7, 8)
        ]
    finally:
        torch.set_num_threads(before)
    assert proposed == [{None}, {None}, {None, 2}]


def test_the_next_process_loads_what_was_compiled(tmp_path):
    workload = workload_of(Mlp)
    applied(workload, tmp_path, "float32")
    blobs = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").iterdir()}
    assert blobs
    applied(workload, tmp_path, "float32", may_prepare=False)
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").iterdir()} == blobs


def test_bfloat16_only_where_the_cpu_computes_in_it(tmp_path):
    known, workload = technique("openvino"), workload_of(Mlp)
    with_it, without = hardware_with("AVX2", "AMX_BF16"), hardware_with("AVX2")
    assert "bfloat16" in {config.precision for config in known.space(workload, with_it)}
    assert "bfloat16" not in {config.precision for config in known.space(workload, without)}
    with pytest.raises(CandidateFailed, match="does not compute in bfloat16"):
        known.apply(workload, OpenVinoConfig("bfloat16"), Context(tmp_path, without))


def test_sends_nothing_and_writes_nothing_into_the_home(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    code = """
        import sys
        attempts = []
        sys.addaudithook(lambda event, args: attempts.append((event, args)) if event in {
            "socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request", "http.client.connect"} else None)
        from tauto.conversion.openvino import import_nncf, import_openvino
        openvino = import_openvino()
        nncf = import_nncf()
        import numpy as np
        from openvino import opset13 as ops
        x = ops.parameter([1, 4], np.float32, name="x")
        model = openvino.Model([ops.matmul(x, np.ones((4, 4), np.float32), False, False)], [x])
        nncf.quantize(model, nncf.Dataset([np.ones((1, 4), np.float32)]), subset_size=1)
        import time
        time.sleep(0.5)
        print(attempts)
        """
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().splitlines()[-1] == "[]"
    assert not any(home.rglob("*telemetry*"))
    assert not (home / "intel").exists()


FORKED = """
import gc, os, signal, sys
from pathlib import Path
from tauto.hardware import Hardware
from tauto.techniques import Context, technique
from tauto.techniques.engines.openvino import OpenVinoConfig
from engine_models import Mlp, workload_of

class Ring:
    pass

gc.disable()
ring = Ring()
ring.me = ring
context = Context(Path(sys.argv[1]), Hardware.current())
ring.model = technique("openvino").apply(workload_of(Mlp), OpenVinoConfig("float32"), context)
del ring
if pid := os.fork():
    assert os.waitpid(pid, 0)[1] == 0
else:
    signal.alarm(20)
    gc.collect()
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_leaves_a_dropped_model_alone(tmp_path):
    """As a worker of a DataLoader does: collecting the model there would wait for threads that a fork has not."""
    path = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", FORKED, tmp_path], check=True, env={**os.environ, "PYTHONPATH": path})
