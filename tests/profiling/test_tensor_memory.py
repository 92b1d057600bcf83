"""Memory over time of real loops, small enough to know what it must be."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tauto.profiling import ProfileSession
from tauto.reports.memory import MemoryTimeline

STEPS = 6
BATCH, WIDTH = 128, 64
INPUT_BYTES = BATCH * WIDTH * 4


class Net(nn.Module):
    def __init__(self, *, checkpointed: bool = False) -> None:
        super().__init__()
        pairs = [[layer for _ in range(4) for layer in (nn.Linear(WIDTH, WIDTH), nn.Tanh())] for _ in range(3)]
        self.blocks = nn.ModuleList(nn.Sequential(*layers) for layers in pairs)
        self.checkpointed = checkpointed

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.checkpointed else block(x)
        return x


def weights(net: nn.Module) -> int:
    return sum(parameter.numel() * 4 for parameter in net.parameters())


def run(work: Callable[[], None], net: nn.Module, *, stacks: bool = False) -> MemoryTimeline:
    gc.collect()
    with ProfileSession({"net": net}, stacks=stacks) as session:
        work()
    timeline = session.report.memory
    assert timeline is not None
    return timeline


def training(net: nn.Module, kept: list[Tensor] | None = None, steps: int = STEPS) -> Callable[[], None]:
    optimizer = torch.optim.Adam(net.parameters())
    x = torch.randn(BATCH, WIDTH)

    def work() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            output = net(x)
            output.square().mean().backward()
            optimizer.step()
            if kept is not None:
                kept.append(output)

    return work


@pytest.fixture(scope="module")
def trained() -> tuple[Net, MemoryTimeline]:
    net = Net()
    return net, run(training(net), net)


def test_parameters_inputs_gradients_and_state_are_what_they_are(trained: tuple[Net, MemoryTimeline]) -> None:
    net, timeline = trained
    size = weights(net)
    assert set(timeline.categories["parameters"]) == {size}
    assert set(timeline.categories["inputs"]) == {INPUT_BYTES}
    assert timeline.categories["gradients"][0] == 0, "there were none before the first backward pass"
    assert timeline.categories["gradients"][-1] == size, "those of the last step are still there"
    # two moments of each parameter, and a step counter of one float each
    assert timeline.categories["optimizer_state"][0] == 0
    assert timeline.categories["optimizer_state"][-1] == 2 * size + 4 * len(list(net.parameters()))


def test_the_categories_add_up(trained: tuple[Net, MemoryTimeline]) -> None:
    _, timeline = trained
    peak = timeline.peak
    assert sum(peak.by_category.values()) == peak.total_bytes == max(timeline.totals)
    assert min(min(sizes) for sizes in timeline.categories.values()) >= 0
    assert {len(sizes) for sizes in timeline.categories.values()} == {len(timeline.times_ms)}


def test_the_peak_of_training_holds_every_activation(trained: tuple[Net, MemoryTimeline]) -> None:
    _, timeline = trained
    # what Tanh keeps for the backward pass, and the last result of a linear layer before it is let go
    assert max(timeline.categories["activations"]) >= 12 * INPUT_BYTES
    assert timeline.peak.phase in ("forward", "loss", "backward", "optimizer")


def test_sites_name_modules_and_lines(trained: tuple[Net, MemoryTimeline]) -> None:
    _, timeline = trained
    sites = {(site.module, site.operator): site for site in timeline.sites}
    assert any(module.startswith("net.blocks.") for module, _ in sites)
    assert all("test_tensor_memory.py:" in site.line for site in timeline.sites if site.module)
    assert abs(timeline.allocated_bytes_per_step - timeline.freed_bytes_per_step) < 0.1 * timeline.peak.total_bytes
    assert timeline.growth_bytes_per_step == 0
    assert timeline.growth_steps > 0


def test_checkpointing_shows_fewer_activations(trained: tuple[Net, MemoryTimeline]) -> None:
    _, plain = trained
    net = Net(checkpointed=True)
    saving = run(training(net), net)
    assert max(saving.categories["activations"]) < 0.8 * max(plain.categories["activations"])


def test_what_is_appended_at_every_step_grows() -> None:
    net = Net()
    kept: list[Tensor] = []
    timeline = run(training(net, kept), net)
    assert timeline.growth_bytes_per_step == pytest.approx(INPUT_BYTES, rel=0.05)
    assert timeline.growth_sites[0].module.startswith("net.blocks.2")
    assert timeline.growth_sites[0].operator == "aten::tanh"


def test_a_kept_loss_keeps_its_graph() -> None:
    """Without a backward pass, a loss in a list holds everything that led to it."""
    net, x, losses = Net(), torch.randn(BATCH, WIDTH), []

    def work() -> None:
        for _ in range(STEPS):
            losses.append(net(x).square().mean())

    assert run(work, net).growth_bytes_per_step > 11 * INPUT_BYTES


def test_inference_grows_by_nothing() -> None:
    net, x = Net(), torch.randn(BATCH, WIDTH)

    def work() -> None:
        with torch.inference_mode():
            for _ in range(STEPS):
                net(x)

    timeline = run(work, net)
    assert timeline.growth_bytes_per_step == 0
    assert timeline.growth_steps > 0
    assert max(timeline.categories["activations"]) <= 3 * INPUT_BYTES, "no more than goes from layer to layer"
    assert max(timeline.categories["gradients"]) == 0


def test_the_inputs_that_the_profile_remembers_are_no_leak() -> None:
    net = Net()
    batches = [torch.randn(8, WIDTH) for _ in range(STEPS)]

    def work() -> None:
        with torch.inference_mode():
            for batch in batches:
                net(batch)

    with ProfileSession({"net": net}) as session:
        work()
    report = session.report
    assert report.roots[0].remembered_samples == 8 * STEPS
    assert report.memory is not None
    assert report.memory.growth_bytes_per_step == 0
    assert "aten::clone" not in {row.name for row in report.operators}


def test_stacks_give_the_line_of_the_users_code() -> None:
    net = Net()
    timeline = run(training(net), net, stacks=True)
    line = next(
        number for number, text in enumerate(Path(__file__).read_text().splitlines(), 1) if ".backward()" in text
    )
    lines = {site.line for site in timeline.sites if site.phase == "backward"}
    assert lines == {f"test_tensor_memory.py:{line}"}
    assert all(site.line for site in timeline.sites)


def test_gradients_from_before_are_let_go() -> None:
    """Freed in the traced steps without an event, as torch did not see them allocated."""
    net = Net()
    training(net)()
    assert net.blocks[0][0].weight.grad is not None
    timeline = run(training(net), net)
    assert max(timeline.categories["gradients"]) < 2 * weights(net) + 4 * INPUT_BYTES
    assert timeline.categories["gradients"][-1] == weights(net)


def test_the_model_is_left_as_it_was() -> None:
    net = Net()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    x = torch.randn(BATCH, WIDTH)
    with torch.inference_mode():
        expected = net(x)
        timeline = run(lambda: [net(x) for _ in range(3)] and None, net)
        assert torch.equal(net(x), expected)
    assert timeline.peak.total_bytes >= weights(net)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
