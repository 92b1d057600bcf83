"""A finding is tried for real: in processes of their own, the cell as it is against the cell with the fix."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
import torch
from reports_by_hand import profile as profile_by_hand
from torch import nn

import tauto
from tauto.errors import InvalidArgument, NotTransferable, TrialFailed
from tauto.execution import Job, executor
from tauto.reports import Finding, Fix, Gain, Steps, report_from_dict
from tauto.results import FixResult, ProfileResult, result_of
from tauto.results.last import forget_last
from tauto.verbs.fix import fix
from tauto.workload.cell import Cell

SETUP = """
import time, torch
from torch import nn

class Slow(torch.utils.data.Dataset):
    def __len__(self):
        return 400
    def __getitem__(self, index):
        time.sleep(pause)
        return torch.randn(6), index % 3

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(6, 16), nn.Dropout(0.1), nn.Linear(16, 3)
    def forward(self, x):
        return self.last(self.norm(self.first(x).relu()))

pause = 0.0
net = Net()
opt = torch.optim.AdamW(net.parameters())
loader = torch.utils.data.DataLoader(Slow(), batch_size=4)
"""
TRAINING = """
for x, y in loader:
    opt.zero_grad()
    loss = nn.functional.cross_entropy(net(x).float(), y)
    loss.backward()
    opt.step()
"""
CALLS = """
for _ in range(200):
    out = net(torch.zeros(8, 6))
"""


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory):
    """Have the fork server ready: no budget pays for its imports."""
    executor().preload(("torch._dynamo",))
    executor().run(Job("os:getpid", {}, tmp_path_factory.mktemp("first")))


@pytest.fixture(autouse=True)
def _fresh(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    forget_last()


@pytest.fixture(autouse=True)
def _few_pairs(monkeypatch):
    """Four pairs of blocks are enough where a verdict is not what is tested: budgets are for slow machines alone."""
    monkeypatch.setattr("tauto.measurement.sequential.MIN_PAIRS", 4)
    monkeypatch.setattr("tauto.tuning.fix_trial.HALF_WIDTH", 1.0)


def namespace(setup=SETUP, **more):
    names = {"__name__": "__main__"}
    exec(setup, names)
    names.update(more)
    return names


def profiled(source, names, action="threads", target="", unit="optimizer step", **options):
    """Return the result of a profile of ``source`` with one finding, of which the fix is ``action``."""
    finding = Finding(
        "planted",
        "Something holds it back",
        "It was seen.",
        "%tauto_fix planted",
        "do_it()",
        expected=Gain(1.5, None, "as a rule has it"),
        fix=Fix(action, target, options),
    )
    steps = Steps(unit, 100, (2, 3), 1.0, 2.0)
    report = replace(profile_by_hand(), findings=(finding,), steps=steps, device="cpu")
    return ProfileResult(report, Cell(source, names), fix)


def check(result):
    """Check what holds of every trial that measured something."""
    report = result.report
    assert isinstance(result, FixResult)
    assert report.verdict in {"better", "same", "worse"}
    assert report.speedup_interval.low <= report.speedup <= report.speedup_interval.high
    for side in (report.original, report.fixed):
        assert side.step.p50_ms > 0
        assert side.step.calls >= side.step.blocks >= 3
        assert side.peak_bytes >= 0
    assert report.original.step.calls == report.fixed.step.calls
    assert report.finding.tried.speedup == report.speedup
    assert tauto.last() is result
    return report


@pytest.mark.parametrize(
    ("action", "target", "options"),
    [
        ("cache_dataset", "loader", {}),
        ("threads", "", {"count": 1}),
        ("autocast", "net", {"dtype": "bfloat16"}),
        ("memory_format", "net", {}),
        ("optimizer", "opt", {"fused": True}),
        ("checkpoint", "net", {"modules": "first,last"}),
        ("keep_freed_memory", "", {}),
    ],
)
def test_each_fix_of_a_training_loop_runs_and_is_judged(action, target, options):
    names = namespace()
    before = {name: tensor.clone() for name, tensor in names["net"].state_dict().items()}
    rng, threads = torch.get_rng_state(), torch.get_num_threads()
    report = check(profiled(TRAINING, names, action, target, **options).apply("planted", budget="2min"))
    assert report.unit == "optimizer step"
    assert report.original.loss is not None
    assert report.fixed.loss is not None
    assert report.objective == ("memory" if action == "checkpoint" else "time")
    for name, tensor in names["net"].state_dict().items():
        assert torch.equal(tensor, before[name])
    assert torch.equal(torch.get_rng_state(), rng)
    assert torch.get_num_threads() == threads
    assert not names["opt"].state
    assert names["net"].training


def test_the_same_seed_on_both_sides_gives_the_same_loss():
    report = check(profiled(TRAINING, namespace(), "keep_freed_memory").apply(1, budget="2min"))
    assert report.original.loss == pytest.approx(report.fixed.loss, rel=1e-4)


@pytest.mark.alone
def test_workers_for_a_loop_that_waits_for_its_data_are_better_and_the_finding_shows_it(monkeypatch):
    monkeypatch.setattr("tauto.measurement.sequential.MIN_PAIRS", 8)
    names = namespace(pause=0.02)
    result = profiled(TRAINING, names, "loader", "loader", num_workers=4, persistent_workers=True)
    report = check(result.apply("planted", budget="2min"))
    assert report.verdict == "better"
    assert report.speedup > 1.5
    assert result.findings[0].tried == report.finding.tried
    assert "Measured" in repr(result)
    assert "Better" in repr(result_of(report_from_dict(report.to_dict())))


def test_a_fix_for_inference_runs_on_a_cell_that_infers():
    report = check(profiled(CALLS, namespace(), "inference", "net", unit="model call").apply("planted", budget="2min"))
    assert report.unit == "model call"
    assert report.original.loss is None


def test_freeze_of_what_no_optimizer_has():
    names = namespace()
    names["opt"] = torch.optim.SGD(names["net"].last.parameters(), 0.1)
    check(profiled(TRAINING, names, "freeze", "net").apply("planted", budget="2min"))


def test_compile_runs_and_says_what_the_first_steps_cost():
    report = check(profiled(CALLS, namespace(), "compile", "net", unit="model call").apply("planted", budget="5min"))
    assert report.fixed.warm_up_ms > report.original.warm_up_ms


def test_a_cell_of_few_steps_is_timed_as_a_whole():
    cell = "time.sleep(0.02)\nout = net(torch.zeros(1, 6))"
    report = check(profiled(cell, namespace(), unit="model call", count=1).apply("planted", budget="2min"))
    assert report.unit == "run of the cell"
    assert report.original.step.p50_ms > 20


def test_a_cell_that_defines_its_model_and_its_loop_in_functions():
    cell = """
class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Net()
    def forward(self, x):
        return self.inner(x)

def train(model, steps):
    opt = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(steps):
        model(torch.randn(4, 6)).sum().backward()
        opt.step()

model = Own()
train(model, 50)
"""
    check(profiled(cell, namespace(), "optimizer", "", foreach=True).apply("planted", budget="2min"))


def test_an_endless_loop_that_is_never_sure_is_tried_in_the_time_given(monkeypatch):
    monkeypatch.setattr("tauto.tuning.fix_trial.HALF_WIDTH", 0.0)
    began = time.monotonic()
    cell = "while True:\n    net(torch.zeros(1, 6))"
    check(profiled(cell, namespace(), unit="model call", count=1).apply("planted", budget="10s"))
    assert time.monotonic() - began < 30


def test_a_cell_that_reads_files_finds_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.txt").write_text("1 2 3\n")
    cell = "for _ in range(99):\n    rows = open('rows.txt').read().split()\n    net(torch.zeros(len(rows), 6))"
    check(profiled(cell, namespace(), unit="model call", count=1).apply("planted", budget="2min"))


def test_what_a_cell_writes_goes_elsewhere_and_is_read_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.txt").write_text("kept")
    torch.save({"mine": 1}, tmp_path / "net.pt")
    cell = """
from pathlib import Path
for step in range(60):
    net(torch.zeros(1, 6))
    with open('log.txt', 'a') as log:
        log.write('!')
    assert Path('log.txt').read_text() == 'kept' + '!' * (step + 1)
    torch.save(net.state_dict(), 'net.pt')
    assert 'mine' not in torch.load('net.pt')
open('log.txt', 'w').write('kept')
"""
    report = check(profiled(cell, namespace(), unit="model call", count=1).apply("planted", budget="2min"))
    assert "log.txt, net.pt" in report.notes[-1]
    assert (tmp_path / "log.txt").read_text() == "kept"
    assert torch.load(tmp_path / "net.pt") == {"mine": 1}
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["log.txt", "net.pt"]


def test_a_cell_that_would_remove_files_is_stopped_before_it_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("kept")
    result = profiled("import os\nos.remove('mine.txt')", namespace(), unit="model call", count=1)
    with pytest.raises(TrialFailed, match=r"mine.txt.*a cell of its own"):
        result.apply("planted", budget="2min")
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_a_cell_that_raises_again_is_one_line():
    with pytest.raises(TrialFailed, match=r"as it is, it raised ValueError: no luck") as caught:
        profiled("raise ValueError('no luck')", namespace(), count=1).apply("planted", budget="2min")
    assert "\n" not in str(caught.value)


def test_a_cell_that_raises_only_with_the_fix_could_not_be_tried():
    cell = "for _ in range(99):\n    assert torch.get_num_threads() < 3, 'too many'\n    net(torch.zeros(1, 6))"
    result = profiled(cell, namespace(), unit="model call", count=3)
    tried = result.apply("planted", budget="2min")
    assert tried.verdict is None
    assert "with the fix the cell raised AssertionError: too many" in tried.reason
    assert result.findings[0].tried is None
    assert repr(tried).splitlines()[1].startswith("• Could not be tried: ")


def test_a_fix_that_changes_nothing_is_not_called_tried():
    result = profiled(CALLS, namespace(), "loader", "loader", unit="model call", num_workers=2)
    assert "nothing to change: no DataLoader" in result.apply("planted", budget="2min").reason


@pytest.mark.parametrize("made", [lambda: threading.Lock(), lambda: (i for i in range(3))])
def test_what_cannot_be_sent_is_named_with_the_way_round(made):
    result = profiled("it\nnet(torch.zeros(1, 6))", namespace(it=made()), count=1)
    with pytest.raises(NotTransferable, match=r"'it'.* cannot be sent .*Make it in the cell itself"):
        result.apply("planted", budget="2min")


def test_a_cell_without_an_end_to_its_first_step_ends_with_the_budget():
    began = time.monotonic()
    with pytest.raises(TrialFailed, match="Give a longer budget"):
        profiled("while True:\n    pass", namespace(), count=1).apply("planted", budget="2s")
    assert time.monotonic() - began < 20


def test_the_source_of_a_with_block_is_asked_for_and_a_step_stands_in():
    net = nn.Linear(6, 3)
    with tauto.profile(names={"net": net}) as session:
        for _ in range(9):
            net(torch.zeros(1, 6))
    result = session.result
    result.report = profiled("", {}, unit="model call", count=1).report
    with pytest.raises(InvalidArgument, match=r"step="):
        result.apply("planted")
    check(result.apply("planted", step=lambda: net(torch.zeros(1, 6)), budget="2min"))


def test_a_model_that_was_profiled_by_itself():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    result = tauto.profile(net, torch.zeros(1, 3, 16, 16), name="net")
    findings = profiled("", {}, "memory_format", "net", unit="model call").findings
    result.report = replace(result.report, findings=findings)
    check(tauto.fix("planted", budget="2min") if isinstance(tauto.last(), ProfileResult) else None)


def test_a_recipe_is_applied_as_apply_does():
    names = namespace()
    names["net"](torch.zeros(2, 6))
    with tauto.profile(names=names, source=CALLS) as session:
        exec(CALLS, names)
    result = session.result
    recipe = tauto.Recipe.of("channels_last").to_yaml()
    planted = profiled(CALLS, names, "recipe", "net", recipe=recipe)
    names["net"] = nn.Sequential(nn.Conv2d(3, 4, 3))
    with tauto.profile(names=names, source="net(torch.zeros(1, 3, 9, 9))") as session:
        names["net"](torch.zeros(1, 3, 9, 9))
    result = session.result
    result.report = planted.report
    tuned = result.apply("planted", budget="5min")
    assert tuned.report.verb == "apply"
    assert result.findings[0].tried is not None


@pytest.mark.parametrize(
    ("finding", "message"),
    [
        ("plantid", "Did you mean 'planted'"),
        (2, "this profile has 1 to 1"),
        (0, "this profile has 1 to 1"),
        (True, "there is no True"),
    ],
)
def test_a_finding_that_is_not_there_is_said(finding, message):
    with pytest.raises(InvalidArgument, match=message):
        profiled(CALLS, {}).apply(finding)


def test_what_only_the_user_can_do_is_said():
    result = profiled(CALLS, {})
    result.report = replace(result.report, findings=(replace(result.findings[0], fix=None),))
    with pytest.raises(InvalidArgument, match=r"yours to do. do_it\(\)"):
        result.apply(1)


def test_a_past_profile_cannot_be_tried():
    with pytest.raises(InvalidArgument, match="past profile"):
        ProfileResult(profile_by_hand()).apply(1)
    with pytest.raises(InvalidArgument, match="nothing was profiled"):
        tauto.fix("planted")
