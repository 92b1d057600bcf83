"""Work that nobody uses, and memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_by_hand import (
    ADAM,
    FACTS,
    MODEL,
    REPORT,
    ROW,
    TRAINING,
    found,
    quiet,
    with_phases,
    with_root,
)

from tauto.profiling.facts import OptimizerFacts
from tauto.reports.memory import MemoryPeak, MemoryTimeline
from tauto.reports.profile import RootModel, Usage

STEPPING = replace(TRAINING, optimizers=(replace(ADAM, fused=True),))
MB = 2**20


def memory(**categories: int) -> MemoryTimeline:
    total = sum(categories.values())
    peak = MemoryPeak(1.0, total, categories, "net", "aten::relu", "", "forward")  # type: ignore[arg-type]
    return MemoryTimeline("cpu", (0.0,), {}, peak, 3, 0, 0, 0, (), ())


def test_frozen_gradients_by_the_traced_backward():
    rows = (replace(ROW, backward_ms=100.0), replace(ROW, path="backbone", depth=1, backward_ms=75.0))
    facts = with_root(STEPPING, frozen=("backbone",), frozen_first=True)
    finding = found(replace(REPORT, modules=rows), facts)["frozen_gradients"]
    assert finding.expected.speedup == pytest.approx(1 / 0.7)
    assert finding.python == "net.backbone.requires_grad_(False)"
    assert finding.fix.action == "freeze"
    later = with_root(facts, frozen_first=False)
    assert found(replace(REPORT, modules=rows), later)["frozen_gradients"].expected.speedup == pytest.approx(1 / 0.85)


def test_frozen_gradients_by_flops_where_no_backward_was_traced():
    rows = (ROW, replace(ROW, path="backbone", depth=1, flops=ROW.flops // 2))
    facts = with_root(STEPPING, frozen=("backbone",), frozen_first=True)
    finding = found(replace(REPORT, modules=rows), facts)["frozen_gradients"]
    assert finding.expected.speedup == pytest.approx(1 / 0.8)
    assert "FLOPs" in finding.expected.basis
    assert "frozen_gradients" not in found(replace(REPORT, modules=rows), replace(facts, optimizers=()))


def test_unused_parameters():
    finding = found(facts=with_root(STEPPING, unused=("a", "b", "c", "d")))["unused_parameters"]
    assert "a, b, c and 1 more" in finding.evidence
    assert finding.fix is None


def growing(*lengths: int) -> tuple[str, ...]:
    return tuple(f"int64[1, {length}]" for length in lengths)


def test_no_cache():
    root = RootModel("net", "GPT", 100, 1000.0, 10, 40_000_000, growing(5, 6, 7, 8), False, 8)
    finding = found(replace(REPORT, roots=(root,)))["no_cache"]
    assert "from 5 to 104" in finding.evidence
    # 40 MB of weights at 10 GB/s are 4 ms
    assert finding.expected.speedup == pytest.approx(10 / 4)
    facts = with_root(replace(FACTS, operator_us=5.0), operators_per_call=1_900.0)
    assert quiet(replace(REPORT, roots=(root,)), replace(facts, operator_us=5.1)), "starting operators is all it does"


@pytest.mark.parametrize(
    "shapes",
    [growing(5, 6, 7), growing(5, 5, 5, 5), growing(5, 7, 9, 11), growing(8, 7, 6, 5), ("float32[]",) * 4, ()],
)
def test_other_shapes_are_no_growing_sequence(shapes):
    assert quiet(replace(REPORT, roots=(replace(MODEL, shapes=shapes),)))


def test_growing_batches_of_few_calls_are_no_decoding():
    root = replace(MODEL, shapes=growing(5, 6, 7, 8))
    assert quiet(replace(REPORT, roots=(root,)), with_root(calls=7))
    assert quiet(replace(REPORT, roots=(root,)), TRAINING)


def test_optimizer_unfused_against_the_bandwidth():
    facts = replace(TRAINING, optimizers=(ADAM,))
    report = with_phases(forward=500.0, backward=200.0, optimizer=300.0)
    finding = found(report, facts)["optimizer_unfused"]
    # 7 MB a step at 50 GB/s in the cache are 14 ms in 100 steps
    assert finding.expected.speedup == pytest.approx(1000 / (1000 - 286))
    assert finding.fix.options == {"fused": True}
    assert quiet(report, replace(facts, optimizers=(replace(ADAM, fused=True),)))
    assert quiet(report, replace(facts, optimizers=(replace(ADAM, can_fuse=False),)))
    assert quiet(with_phases(forward=900.0, optimizer=40.0), facts), "not worth a word"


def test_activations_dominate():
    rows = (
        ROW,
        *(
            replace(ROW, path=f"layer.{i}", depth=1, kind="Block", total_ms=5.0, activation_bytes=100 * MB)
            for i in range(4)
        ),
        *(replace(ROW, path=f"layer.{i}.fc", depth=2, kind="Linear", activation_bytes=0) for i in range(4)),
    )
    report = replace(REPORT, modules=rows, memory=memory(activations=400 * MB, parameters=100 * MB))
    finding = found(report, STEPPING)["activations"]
    assert finding.fix.options == {"modules": "layer.0,layer.1,layer.2,layer.3"}
    assert finding.expected.bytes_saved == 300 * MB
    assert finding.expected.speedup == pytest.approx(1000 / 1400), "it costs time, and says so"
    assert quiet(replace(report, memory=memory(activations=200 * MB, parameters=1 * MB)), STEPPING), "small"
    assert quiet(replace(report, memory=memory(activations=400 * MB, parameters=500 * MB)), STEPPING)
    assert "activations" not in found(report, FACTS)


def test_optimizer_state_dominates():
    optimizer = OptimizerFacts("", "Adam", 100, 10, 400 * MB, 800 * MB, fused=True)
    facts = replace(TRAINING, optimizers=(optimizer,))
    report = replace(REPORT, memory=memory(parameters=400 * MB, gradients=400 * MB, optimizer_state=800 * MB))
    finding = found(report, facts)["optimizer_state"]
    assert finding.expected.bytes_saved == pytest.approx(0.74 * 800 * MB, rel=0.01)
    assert quiet(replace(report, memory=memory(activations=8000 * MB)), facts)


def test_page_faults():
    facts = replace(FACTS, page_faults=200_000, page_fault_us=2.0, keeps_freed_memory=True)
    finding = found(facts=facts)["page_faults"]
    assert finding.expected.speedup == pytest.approx(1 / 0.8)
    assert finding.fix.action == "keep_freed_memory"
    assert quiet(facts=replace(facts, page_faults=20_000))
    assert quiet(facts=replace(facts, keeps_freed_memory=False))
    grows = replace(REPORT, usage=Usage(process_bytes=(0, 200_000 * 4096)))
    assert quiet(grows, facts), "memory that is kept must be faulted in once"
