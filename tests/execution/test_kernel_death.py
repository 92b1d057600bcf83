"""Real scripts as users write them, and what is left when such a kernel is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
JOBS = Path(__file__).parent / "jobs"

UNGUARDED = """
import os, sys
import torch
from torch import nn
from helper import double
from tauto.execution import Job, executor, new_workspace, save_workload

print("main runs", flush=True)

class Net(nn.Module):
    def forward(self, x):
        return double(x)

def evaluate(model):
    loader = torch.utils.data.DataLoader(list(torch.ones(8, 3)), batch_size=2, num_workers=2)
    return float(sum(model(x).sum() for x in loader))

workspace = new_workspace()
path = workspace.path / "w.pt"
save_workload({"model": Net(), "evaluate": evaluate}, path)
sys.path.append(sys.argv[1])
for _ in range(2):
    job = Job("trials:evaluate", {"path": str(path)}, workspace.folder("trial"), wall_limit_s=120)
    outcome = executor().run(job)
    print(outcome.result, outcome.failure)
"""

KERNEL = """
import sys
sys.path.append(sys.argv[1])
from tauto.execution import Job, executor, new_workspace
workspace = new_workspace()
executor().run(Job(sys.argv[2], {"marks": sys.argv[3]}, workspace.folder("job")))
"""


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, "TAUTO_WORK": str(tmp_path / "work"), "PYTHONPATH": str(ROOT)}


def test_a_script_without_a_main_guard(tmp_path, environment):
    (tmp_path / "script.py").write_text(UNGUARDED)
    (tmp_path / "helper.py").write_text("def double(x):\n    return 2 * x\n")
    run = subprocess.run(
        [sys.executable, "script.py", str(JOBS)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.splitlines() == ["main runs", "48.0 None", "48.0 None"], run.stderr
    assert run.stderr == ""
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("job", "marks"),
    [
        ("deaths:sleep_with_family", {"root", "child", "grandchild", "stray"}),
        ("trials:sleep_with_loader_workers", {"root", "worker0", "worker1"}),
    ],
)
def test_a_killed_kernel_leaves_no_process_after_5_s(tmp_path, environment, job, marks):
    (tmp_path / "kernel.py").write_text(KERNEL)
    folder = tmp_path / "marks"
    folder.mkdir()
    kernel = subprocess.Popen(
        [sys.executable, "kernel.py", str(JOBS), job, str(folder)],
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
    )
    while not marks <= {path.name for path in folder.iterdir()}:
        assert kernel.poll() is None
        time.sleep(0.05)
    family = psutil.Process(kernel.pid).children(recursive=True)
    assert {int((folder / name).read_text()) for name in marks} <= {process.pid for process in family}
    os.killpg(kernel.pid, signal.SIGKILL)  # as Jupyter does, with the whole group
    kernel.wait()
    left = family
    for _ in range(100):  # naps, which are longer where the machine itself stands still
        _, left = psutil.wait_procs(left, timeout=0.05)
    assert left == []
