"""Ctrl-C after OpenVINO's models are gone: KeyboardInterrupt, not SIGSEGV."""

import subprocess
import sys

import pytest

_CODE = """
import faulthandler, gc, os, signal, sys, time
import numpy as np
from contextlib import nullcontext
from tauto.conversion.openvino import import_openvino
from tauto.conversion.signal_stack import kept_signal_stack

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with it ignored
faulthandler.enable()  # as a notebook's kernel does
openvino = import_openvino()
from openvino import opset13 as op

models = []
for size in (4, 8, 16):
    given = op.parameter([1, 3, size, size], np.float32)
    graph = openvino.Model([op.relu(given)], [given])
    with kept_signal_stack():
        core = openvino.Core()
        models.append((core, core.compile_model(graph, "CPU")))
    del core
while models:
    models.pop(0)  # the first made goes first
gc.collect()
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the fault was seen on Linux alone")
def test_an_interrupt_after_the_models_are_gone_is_an_interrupt():
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "interrupted"
