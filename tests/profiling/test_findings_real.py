"""Small cells in which a rule fires, and their twins in which it does not."""

from __future__ import annotations

import contextlib
import io
import linecache
import re
import time
from itertools import count
from typing import Any

import planted_loop
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tauto.config import Settings
from tauto.hardware import Ceilings, Hardware
from tauto.hardware.ceilings import save_ceilings
from tauto.profiling import ProfileSession, probing
from tauto.profiling.findings import memory, overhead
from tauto.reports import Finding, ProfileReport

pytestmark = pytest.mark.alone

MACHINE_DEPENDENT = {
    "page_faults",
    "memory_format",
    "optimizer_unfused",
    "eager_overhead",
    "threads_for_small_work",
    "few_threads",
    "can_be_tried",
    "outside_model",
}
"""What may hold back any small cell, depending on the machine and what else it does."""
X = torch.randn(8, 16, generator=torch.Generator().manual_seed(1))
Y = torch.arange(8) % 4
_numbers = count()


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine threads that wait for each other hide everything else."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def profiled(source: str, **names: Any) -> ProfileReport:
    """Run ``source`` as a cell with these names."""
    file = f"<ipython-input-{next(_numbers)}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    space = {"torch": torch, "nn": nn, "x": X, "y": Y, "time": time} | names
    code = compile(source, file, "exec")
    with ProfileSession(space) as session:
        exec(code, space)
    return session.report


def rules(source: str, **names: Any) -> dict[str, Finding]:
    return {finding.rule: finding for finding in profiled(source, **names).findings}


class Checked:
    """Ceilings that are believed, whatever passes them."""

    def __init__(self, hardware: Hardware, ceilings: Ceilings, *rest: object) -> None:
        self.ceilings = ceilings


def slow_machine(monkeypatch: pytest.MonkeyPatch, gflops: dict[str, float], cache: float, memory: float) -> None:
    """Have the machine's ceilings so low that arithmetic binds a small model."""
    fingerprint = Hardware.current().fingerprint
    save_ceilings(Settings.current().cache, Ceilings(gflops, cache, memory, "2026-01-01T00:00:00+00:00", fingerprint))
    monkeypatch.setattr("tauto.profiling.roofline.checked_share", Checked)


def net(*modules: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 32), *modules, nn.ReLU(), nn.Linear(32, 4))


FOR_TWO_SECONDS = """
ends = time.perf_counter() + 2
with torch.inference_mode():
    while time.perf_counter() < ends:
"""
"""By the clock, not by steps: a fast machine must not be through before the thread was looked at often enough."""
TRAIN = """
for _ in range(steps):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
"""
LOAD = """
with torch.inference_mode():
    for _ in range(epochs):
        for (batch,) in loader:
            model(batch)
"""


class Sleepy(Dataset):
    """Waits as for a disk."""

    def __init__(self, items: int = 32) -> None:
        self.items = items

    def __len__(self) -> int:
        return self.items

    def __getitem__(self, index: int) -> tuple[torch.Tensor]:
        time.sleep(0.002)
        return (X[index % 8],)


class Batched(TensorDataset):
    """Hands out whole batches."""

    def __getitems__(self, indices: list[int]) -> tuple[torch.Tensor]:
        return (self.tensors[0][indices],)


def as_it_is(batch: Any) -> Any:
    return batch


def test_a_healthy_loop_has_no_findings():
    model = net()
    found = rules(TRAIN, model=model, optimizer=torch.optim.SGD(model.parameters(), 0.1, fused=True), steps=20)
    assert set(found) <= MACHINE_DEPENDENT


def test_data_loading():
    found = rules(LOAD, model=net().eval(), loader=DataLoader(Sleepy(), batch_size=8), epochs=1)
    finding = found["data_loading"]
    assert finding.fix.target == "loader"
    assert "time.sleep(0.002)" in finding.evidence
    assert "data_cached" not in found
    assert finding.expected.speedup > 1.3
    quick = DataLoader(Batched(torch.randn(32, 16)), batch_size=8, collate_fn=as_it_is)
    heavy = nn.Sequential(nn.Linear(16, 2048), nn.Linear(2048, 2048)).eval()
    assert not {"data_loading", "data_by_item"} & set(rules(LOAD, model=heavy, loader=quick, epochs=2))


def test_data_loading_by_loaders_that_are_gone_when_the_cell_ends():
    source = LOAD.replace("loader", "DataLoader(data, batch_size=8)")
    names = {"DataLoader": DataLoader, "data": Sleepy(), "epochs": 3}
    found = rules(source, model=net().eval(), **names)
    assert "no worker process" in found["data_loading"].title
    assert "12 batches" in found["data_loading"].evidence, "of all three"
    assert "3 epochs" in found["data_cached"].evidence
    assert found["data_loading"].fix.target == ""


def test_data_cached():
    found = rules(LOAD, model=net().eval(), loader=DataLoader(Sleepy(), batch_size=8), epochs=3)
    assert "3 epochs" in found["data_cached"].evidence


def test_data_by_item():
    data = torch.randn(2048, 16)
    found = rules(LOAD, model=net().eval(), loader=DataLoader(TensorDataset(data), batch_size=256), epochs=2)
    assert "data_by_item" in found
    assert "data_loading" not in found
    batched = DataLoader(Batched(data), batch_size=256, collate_fn=as_it_is)
    assert "data_by_item" not in rules(LOAD, model=net().eval(), loader=batched, epochs=2)


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_that_start_again(persistent):
    loader = DataLoader(Sleepy(4), batch_size=4, num_workers=1, persistent_workers=persistent)
    found = rules(LOAD, model=net().eval(), loader=loader, epochs=4)
    assert ("data_restart" in found) is not persistent


@pytest.mark.parametrize("slow", [True, False])
def test_a_generator_of_ones_own(slow):
    source = f"""
def batches():
    for _ in range(20):
        {"time.sleep(0.01)" if slow else "pass"}
        yield x
with torch.inference_mode():
    for batch in batches():
        model(batch)
"""
    assert ("data_generator" in rules(source, model=net().eval())) is slow


@pytest.mark.parametrize("training", [True, False])
def test_eval_missing(training):
    source = "with torch.inference_mode():\n    for _ in range(5): model(x)"
    assert ("eval_missing" in rules(source, model=net(nn.Dropout()).train(training))) is training
    assert "eval_missing" not in rules(source, model=net().train(training)), "it has nothing that minds"


@pytest.mark.parametrize("mode", ["no_grad", "enable_grad"])
def test_inference_mode_missing(mode):
    found = rules(f"with torch.{mode}():\n    for _ in range(5): model(x)", model=net().eval())
    assert ("inference_mode_missing" in found) is (mode == "enable_grad")


@pytest.mark.parametrize("training", [True, False])
def test_trained_in_eval_mode(training):
    model = net(nn.Dropout()).train(training)
    found = rules(TRAIN, model=model, optimizer=torch.optim.SGD(model.parameters(), 0.1), steps=5)
    assert ("eval_while_training" in found) is not training


@pytest.mark.parametrize("mode", ["no_grad", "enable_grad"])
def test_validation_gradients(mode):
    model = net(nn.Dropout())
    source = f"{TRAIN}\nmodel.eval()\nwith torch.{mode}():\n    for _ in range(5): model(x)"
    found = rules(source, model=model, optimizer=torch.optim.SGD(model.parameters(), 0.1), steps=5)
    assert ("validation_gradients" in found) is (mode == "enable_grad")
    assert "eval_while_training" not in found


class Tuned(nn.Module):
    """A backbone, a head, and a layer that forward forgets."""

    def __init__(self, *, forgets: bool = False) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 32))
        self.head = nn.Linear(32, 4)
        if forgets:
            self.forgotten = nn.Linear(32, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.backbone(x))


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_gradients(frozen):
    model = Tuned()
    model.backbone.requires_grad_(not frozen)
    found = rules(TRAIN, model=model, optimizer=torch.optim.SGD(model.head.parameters(), 0.1), steps=5)
    assert ("frozen_gradients" in found) is not frozen
    if not frozen:
        assert found["frozen_gradients"].expected.speedup > 1.0
        assert "backbone:" in found["frozen_gradients"].evidence


def test_two_optimizers_leave_nothing_frozen():
    model = Tuned()
    optimizers = [torch.optim.SGD(part.parameters(), 0.1) for part in (model.backbone, model.head)]
    source = TRAIN.replace("optimizer.", "for one in optimizers: one.")
    assert "frozen_gradients" not in rules(source, model=model, optimizers=optimizers, steps=5)


@pytest.mark.parametrize("forgets", [True, False])
def test_unused_parameters(forgets):
    model = Tuned(forgets=forgets)
    found = rules(TRAIN, model=model, optimizer=torch.optim.SGD(model.parameters(), 0.1), steps=5)
    assert ("unused_parameters" in found) is forgets
    if forgets:
        assert "forgotten:" in found["unused_parameters"].evidence


@pytest.mark.parametrize("grows", [True, False])
def test_no_cache(grows):
    model = nn.Sequential(nn.Embedding(50, 64), nn.TransformerEncoderLayer(64, 4, batch_first=True)).eval()
    source = f"""
ids = torch.zeros(1, 64, dtype=torch.long)
with torch.inference_mode():
    for _ in range(30):
        model(ids)
        ids = torch.cat([ids, ids[:, :1]], 1) if {grows} else ids
"""
    assert ("no_cache" in rules(source, model=model)) is grows


@pytest.mark.parametrize("again", [True, False])
def test_conversion_in_loop(again):
    line = "z = torch.tensor(rows)"
    source = f"{line}\n{FOR_TWO_SECONDS}        {line if again else ''}\n        model(z)"
    found = rules(source, model=net().eval(), rows=torch.randn(500, 16).tolist())
    assert ("conversion_in_loop" in found) is again


@pytest.mark.parametrize("printing", [True, False])
def test_printing(printing):
    source = f"{FOR_TWO_SECONDS}        z = model(x)\n" + (
        "        print(z.repeat(20, 1).tolist())" if printing else ""
    )
    with contextlib.redirect_stdout(io.StringIO()):
        assert ("printing" in rules(source, model=net().eval())) is printing


@pytest.mark.parametrize("slow", [True, False])
def test_slow_line(slow):
    # by steps: looking at the clock would be a line beside the model, too
    source = "with torch.inference_mode():\n    for _ in range(600):\n        model(x)\n" + (
        "        sum(i * i for i in range(40_000))" if slow else ""
    )
    found = rules(source, model=net().eval())
    assert ("slow_line" in found) is slow
    if slow:
        assert "sum(i * i" in found["slow_line"].evidence
        assert "outside_model" not in found


class Many(nn.Module):
    """Many small operators."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(40):
            x = (x * 1.01 + 0.1).tanh()
        return x


def test_eager_overhead(monkeypatch):
    monkeypatch.setattr(overhead, "SMALL_OPERATOR_US", 1e5)  # a machine that stalls takes long over the smallest
    source = "with torch.inference_mode():\n    for _ in range(200): model(x)"
    assert rules(source, model=Many().eval())["eager_overhead"].fix.action == "recipe"
    assert "eager_overhead" not in rules(source, model=net().eval())


@pytest.mark.parametrize("dynamic", [False, None])
def test_recompilation(dynamic):
    torch._dynamo.reset()
    model = torch.compile(net().eval(), backend="eager", dynamic=dynamic)
    source = "with torch.inference_mode():\n    for size in sizes: model(torch.zeros(size, 16))"
    found = rules(source, model=model, sizes=range(2, 8) if dynamic is False else [4] * 6)
    assert ("recompilation" in found) is (dynamic is False)
    if dynamic is False:
        assert re.search(r"dimension 0 of .* is 3, and it was compiled for 2", found["recompilation"].evidence)
        assert found["recompilation"].fix.options == {"dynamic": True}


class Branching(nn.Module):
    """Asks a tensor which way to go."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.sum() > 0:
            return x * 2
        return x + 1


@pytest.mark.parametrize("branches", [True, False])
def test_graph_breaks(branches):
    torch._dynamo.reset()
    model = torch.compile(Branching() if branches else net().eval(), backend="eager")
    found = rules("with torch.inference_mode():\n    for _ in range(3): model(x)", model=model)
    assert ("graph_breaks" in found) is branches
    if branches:
        assert "test_findings_real.py:" in found["graph_breaks"].evidence


def convolutional() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU()).eval()


IMAGES = "with torch.inference_mode():\n    for _ in range(6): model(images)"


@pytest.mark.parametrize(("gain", "fires"), [(2.0, True), (1.0, False)])
def test_memory_format_follows_what_was_measured(monkeypatch, gain, fires):
    monkeypatch.setattr(probing, "measured_gain", lambda *args, **options: gain)
    images = torch.randn(4, 3, 32, 32)
    assert ("memory_format" in rules(IMAGES, model=convolutional(), images=images)) is fires
    ready = convolutional().to(memory_format=torch.channels_last)
    assert "memory_format" not in rules(IMAGES, model=ready, images=images)


@pytest.mark.parametrize(("gain", "fires"), [(2.0, True), (0.6, False)])
def test_faster_precision_follows_what_was_measured(monkeypatch, gain, fires):
    slow_machine(monkeypatch, {"float32": 1.0, "bfloat16": 4.0}, 1e4, 1e3)
    monkeypatch.setattr(probing, "measured_gain", lambda *args, **options: gain)
    model = nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 256)).eval()
    source = "with torch.inference_mode():\n    for _ in range(6): model(big)"
    assert ("faster_precision" in rules(source, model=model, big=torch.randn(64, 256))) is fires


def test_unfolded_norms():
    images = torch.randn(8, 3, 64, 64)
    light = nn.Sequential(nn.Conv2d(3, 16, 1), nn.BatchNorm2d(16)).eval()
    assert rules(IMAGES, model=light, images=images)["unfolded_norms"].fix.action == "recipe"
    plain = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU()).eval()
    assert "unfolded_norms" not in rules(IMAGES, model=plain, images=images)


def test_many_threads():
    source = "with torch.inference_mode():\n    for _ in range(3): model(x)"
    assert "many_threads" not in rules(source, model=net().eval())
    torch.set_num_threads(2 * Hardware.current().cores)
    assert "many_threads" in rules(source, model=net().eval())


@pytest.mark.parametrize("fused", [False, True])
def test_optimizer_unfused(fused):
    torch.manual_seed(0)
    model = nn.Sequential(*(nn.Linear(16, 16) for _ in range(30)), nn.Linear(16, 4))
    optimizer = torch.optim.Adam(model.parameters(), fused=fused, foreach=False if not fused else None)
    found = rules(TRAIN, model=model, optimizer=optimizer, steps=10)
    assert ("optimizer_unfused" in found) is not fused


def test_memory_rules(monkeypatch):
    monkeypatch.setattr(memory, "LARGE_BYTES", 100_000)
    torch.manual_seed(0)
    blocks = nn.Sequential(
        *(nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 16)) for _ in range(4)), nn.Linear(16, 4)
    )
    optimizer = torch.optim.SGD(blocks.parameters(), 0.1, fused=True)
    names = {"model": blocks, "optimizer": optimizer, "steps": 6, "x": torch.randn(2048, 16)}
    many = {finding.rule: finding for finding in profiled(TRAIN, **names, y=Y.repeat(256)).findings}
    assert many["activations"].fix.options == {"modules": "0,1,2,3"}
    assert many["activations"].expected.speedup < 1.0
    assert many["activations"].expected.bytes_saved > 0
    assert "optimizer_state" not in many
    adam = torch.optim.Adam((large := nn.Linear(16, 4096)).parameters(), fused=True)
    report = profiled(TRAIN, model=large, optimizer=adam, steps=4)
    few = {finding.rule for finding in report.findings}
    assert "optimizer_state" in few
    assert "activations" not in few


def test_four_planted_faults_are_found_and_no_others(tmp_path):
    names = planted_loop.names(str(tmp_path / "last.pt"))
    report = profiled(planted_loop.SOURCE, **names)
    found = [finding.rule for finding in report.findings]
    assert set(found) - MACHINE_DEPENDENT == planted_loop.FAULTS
    assert found[0] == "eval_while_training", "what is wrong comes before what is slow"


def test_healed_the_loop_has_none(tmp_path):
    names = planted_loop.names(str(tmp_path / "last.pt"), healed=True)
    report = profiled(planted_loop.HEALED, **names)
    assert {finding.rule for finding in report.findings} <= MACHINE_DEPENDENT
