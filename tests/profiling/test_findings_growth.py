"""A leak from step to step, on a report by hand and on a real loop."""

from __future__ import annotations

from dataclasses import replace

import torch
from facts_by_hand import REPORT, found
from memory_by_hand import timeline
from torch import nn

from tauto.profiling import ProfileSession
from tauto.reports.profile import ProfileReport, Steps

STEPS = Steps("model call", 1000, (2, 3, 4, 5, 6), 10.0, 12.0)


def growing(bytes_per_step: int, steps: int = 1000) -> ProfileReport:
    peak = replace(timeline().peak, total_bytes=50_000_000)
    memory = replace(timeline(growth=bytes_per_step), peak=peak)
    return replace(REPORT, memory=memory, steps=replace(STEPS, count=steps))


def test_growth_is_told_with_its_place_and_what_it_comes_to() -> None:
    finding = found(growing(2_000_000))["memory_growth"]
    assert "2.0 MB more stay alive after each of 3 steps in a row; 2,000 MB over the 1,000 steps" in finding.evidence
    assert "net (aten::linear), train.py:7" in finding.evidence
    assert finding.expected is not None
    assert finding.expected.bytes_saved == 2_000_000_000


def test_little_growth_is_not_told() -> None:
    assert "memory_growth" not in found(growing(100_000)), "small beside the peak"
    assert "memory_growth" not in found(growing(2_000_000, steps=3)), "small over the cell"
    assert "memory_growth" not in found(replace(REPORT, memory=timeline(), steps=STEPS))


def test_a_real_leak_is_found_and_its_fix_ends_it() -> None:
    net, x = nn.Sequential(nn.Linear(256, 1024), nn.Tanh(), nn.Linear(1024, 1024)), torch.randn(256, 256)

    def rules(*, as_number: bool) -> set[str]:
        losses: list[torch.Tensor | float] = []
        with ProfileSession({"net": net}) as session:
            for _ in range(12):
                loss = net(x).square().mean()
                losses.append(loss.item() if as_number else loss)
        return {finding.rule for finding in session.report.findings}

    assert "memory_growth" in rules(as_number=False)
    assert "memory_growth" not in rules(as_number=True)
