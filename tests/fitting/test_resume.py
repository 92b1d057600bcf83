"""What was interrupted or killed goes on to the very bits that it would have had."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from fitting_workloads import Noisy, accuracy, loader, net, same
from interrupted_run import run
from torch import nn
from torch.utils.data import DataLoader

from tauto import rendering
from tauto.errors import Interrupted, InvalidArgument
from tauto.fitting import Plan, fit

CROSS = nn.CrossEntropyLoss()
PLAN = Plan(epochs=3, learning_rate=0.01, evaluate_every=7)
HERE = Path(__file__).parent


def noisy(**more):
    return DataLoader(Noisy(), batch_size=32, shuffle=True, **more)


def start(checkpoint: Path, last: int = 99) -> subprocess.Popen[str]:
    where = os.pathsep.join([str(HERE.parent), str(HERE.parents[1])])
    command = [sys.executable, str(HERE / "interrupted_run.py"), str(checkpoint), str(last)]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": where}, stdout=subprocess.PIPE, text=True)


def until(process: subprocess.Popen[str], steps: int) -> int:
    """Return how many steps ``process`` had told when it had taken ``steps``, or was at its end."""
    told = 0
    for line in process.stdout:
        told = int(line.split("step ")[1].split(" ")[0])
        if told >= steps:
            break
    return told


def test_after_kill_9_the_same_call_goes_on_to_the_same_bits(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run(str(whole))
    for steps in (4, 13, 22):  # within the first epoch, the second, the third
        with start(killed, steps + 3) as process:
            assert until(process, steps) == steps
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert killed.exists()
    with start(killed) as process:
        until(process, 99)
    one, other = (json.loads(path.with_suffix(".json").read_text()) for path in (whole, killed))
    assert one.pop("resumed_at") is None
    assert 21 <= other.pop("resumed_at") <= 25
    for times in ("wall_s", "steps_per_s", "before_s"):
        one.pop(times)
        other.pop(times)
    assert one == other
    assert not killed.exists()
    assert not list(tmp_path.glob("*.part"))


def interrupting(where: str, at: int):
    """Return a loader, an objective and an evaluate of which one is interrupted, the first time that it gets there."""
    count = {"dataset": 0, "objective": 0, "evaluate": 0}

    def tick(name: str) -> None:
        count[name] += 1
        if name == where and count[name] == at:
            signal.raise_signal(signal.SIGINT)

    data = noisy()
    data.dataset.before = lambda index: tick("dataset")

    def objective(model, batch):
        tick("objective")
        return CROSS(model(batch[0]), batch[1])

    def evaluate(model):
        tick("evaluate")
        return accuracy(model)

    return data, {"objective": objective, "evaluate": evaluate}


@pytest.mark.parametrize(
    ("where", "at"),
    [("dataset", 3), ("dataset", 400), ("objective", 1), ("objective", 7), ("objective", 20), ("evaluate", 1),
     ("evaluate", 3), ("evaluate", 6)],
)  # fmt: skip
def test_after_ctrl_c_the_same_call_goes_on_to_the_same_bits(tmp_path, where, at):
    whole = fit(net(), noisy(), CROSS, PLAN, evaluate=accuracy)
    data, more = interrupting(where, at)
    file = tmp_path / "checkpoint"
    with pytest.raises(Interrupted) as stopped:
        fit(net(), data, plan=PLAN, checkpoint=file, **more)
    so_far = stopped.value.result
    assert so_far.report.stopped == "interrupted"
    assert accuracy(so_far.model.eval()) == so_far.report.best_score or so_far.report.best_score is None
    assert file.exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    again = fit(net(), data, plan=PLAN, checkpoint=file, **more)
    assert same(again.model, whole.model)
    assert again.report.losses == whole.report.losses
    assert again.report.points == whole.report.points
    assert again.report.resumed_at == so_far.report.steps
    assert "from a checkpoint" in rendering.text(again.report)
    assert not file.exists()


def test_a_second_ctrl_c_does_not_wait_for_the_step():
    def objective(model, batch):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second was not heard")

    model = net()
    with pytest.raises(Interrupted):
        fit(model, loader(), plan=PLAN, objective=objective, in_place=True)
    assert same(model, net())


def test_an_interrupted_model_in_place_is_in_its_best_state():
    model = net()
    data, more = interrupting("objective", 20)
    with pytest.raises(Interrupted) as stopped:
        fit(model, data, plan=PLAN, in_place=True, **more)
    assert stopped.value.result.model is model
    assert accuracy(model.eval()) == stopped.value.result.report.best_score


def unfinished(file: Path, **more) -> None:
    data, hooks = interrupting("objective", 12)
    with pytest.raises(Interrupted):
        fit(net(), data, **{"plan": PLAN, "checkpoint": file, **hooks} | more)
    assert file.exists()


def test_a_checkpoint_of_another_training_is_refused_with_what_differs(tmp_path):
    file = tmp_path / "checkpoint"
    unfinished(file)
    arguments = {"loss": CROSS, "plan": PLAN, "evaluate": accuracy, "checkpoint": file}
    with pytest.raises(InvalidArgument, match=r"of another training \(other weights\). Delete the file"):
        fit(net(seed=1), noisy(), **arguments)
    with pytest.raises(InvalidArgument, match=r"\(other plan, optimizer\)"):
        fit(net(), noisy(), **arguments | {"plan": Plan(epochs=3, learning_rate=0.02, evaluate_every=7)})
    with pytest.raises(InvalidArgument, match=r"\(other optimizer\)"):
        fit(net(), noisy(), **arguments, optimizer=lambda p: torch.optim.SGD(p, lr=0.1))
    changed = noisy()
    changed.dataset.images = changed.dataset.images + 0.5
    with pytest.raises(InvalidArgument, match="the loader gives other batches"):
        fit(net(), changed, **arguments)
    assert fit(net(), noisy(), **arguments).report.resumed_at == 12


@pytest.mark.parametrize("content", [b"", b"not one at all", None])
def test_a_damaged_checkpoint_is_refused(tmp_path, content):
    file = tmp_path / "checkpoint"
    unfinished(file)
    file.write_bytes(file.read_bytes()[:-900] if content is None else content)
    with pytest.raises(InvalidArgument, match=r"is none of a training\. Delete the file"):
        fit(net(), noisy(), CROSS, PLAN, checkpoint=file)


def test_a_checkpoint_runs_no_code(tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    torch.save({"run": Hostile()}, tmp_path / "checkpoint")
    with pytest.raises(InvalidArgument, match="is none of a training"):
        fit(net(), noisy(), CROSS, PLAN, checkpoint=tmp_path / "checkpoint")
    assert not (tmp_path / "owned").exists()


def test_workers_of_a_loader_draw_the_same(tmp_path):
    plan = Plan(steps=8, learning_rate=0.01)
    whole = fit(net(), noisy(num_workers=1), CROSS, plan)
    count = iter(range(99))

    def objective(model, batch):
        if next(count) == 4:
            signal.raise_signal(signal.SIGINT)
        return CROSS(model(batch[0]), batch[1])

    file = tmp_path / "checkpoint"
    with pytest.raises(Interrupted):
        fit(net(), noisy(num_workers=1), plan=plan, objective=objective, checkpoint=file)
    again = fit(net(), noisy(num_workers=1), plan=plan, objective=objective, checkpoint=file)
    assert again.report.resumed_at == 5
    assert same(again.model, whole.model)
