from __future__ import annotations

from dataclasses import replace

import pytest

from tauto.profiling.facts import Facts, RootFacts
from tauto.profiling.findings import find
from tauto.reports.profile import Finding, ModuleRow, ProfileReport

ROW = ModuleRow(
    path="",
    kind="Net",
    root=0,
    depth=0,
    calls=5,
    total_ms=50.0,
    self_ms=1.0,
    flops=5_000_000_000,
    bytes_moved=1_000_000,
    parameters=10,
    parameter_bytes=40,
    bound="compute",
    share_of_ceiling=0.5,
)
REPORT = ProfileReport(
    subject="cell",
    wall_ms=1000.0,
    outside_ms=10.0,
    root_calls=100,
    sampled_calls=5,
    roots=(),
    modules=(ROW,),
    operators=(),
    uncounted=(),
    flops=1_000_000_000,
    peak_bytes=1,
    allocated_bytes=1,
    findings=(),
    machine="",
    fingerprint="",
    device="cpu",
    threads=2,
    analysis_ms=0.0,
)
ROOT = RootFacts(name="net", kind="Net", calls=100, latency_ms=10.0, operators_per_call=10.0)
FACTS = Facts(roots=(ROOT,), threads=2, cores=2, gflops={"float32": 100.0})
TRAINING = replace(FACTS, backward_calls=100)


def found(report: ProfileReport = REPORT, facts: Facts = FACTS) -> dict[str, Finding]:
    findings = find(report, facts)
    assert all(finding.title and finding.evidence for finding in findings)
    return {finding.rule: finding for finding in findings}


def with_root(facts: Facts = FACTS, **changes: object) -> Facts:
    return replace(facts, roots=(replace(facts.roots[0], **changes),))  # type: ignore[arg-type]


def bound(kind: str, **changes: object) -> ProfileReport:
    return replace(REPORT, modules=(replace(ROW, bound=kind, **changes),))  # type: ignore[arg-type]


def test_a_healthy_cell_is_only_offered_a_try():
    offer = found()["can_be_tried"]
    assert list(found()) == ["can_be_tried"]
    assert (offer.line, offer.python) == ("%tauto_autotune net", "tauto.autotune(net)")


def test_no_model_no_findings():
    assert find(replace(REPORT, modules=(), root_calls=0, outside_ms=1000.0), replace(FACTS, roots=())) == ()


def test_eval_missing():
    finding = found(facts=with_root(training_calls=100))["eval_missing"]
    assert "100 of 100" in finding.evidence
    assert finding.python == "net.eval()"


def test_a_training_cell_is_never_told_to_use_eval():
    facts = with_root(TRAINING, training_calls=100, grad_calls=100, foldable_norms=3)
    every = found(facts=facts)
    assert {"eval_missing", "inference_mode_missing", "unfolded_norms"}.isdisjoint(every)
    assert not any("eval" in finding.python for finding in every.values())


def test_inference_mode_missing():
    assert "net(...)" in found(facts=with_root(grad_calls=7))["inference_mode_missing"].python
    assert "inference_mode_missing" not in found(facts=with_root(grad_calls=7, trainable=False))


def test_outside_model():
    finding = found(replace(REPORT, outside_ms=620.0))["outside_model"]
    assert "62%" in finding.evidence
    assert finding.line == "%%prun"


def test_data_loading_needs_the_loader_in_the_trace():
    every = found(replace(REPORT, outside_ms=620.0), replace(FACTS, loader_share=0.5))
    assert "outside_model" not in every
    assert "50%" in every["data_loading"].evidence
    assert "num_workers" in every["data_loading"].python


def test_eager_overhead():
    report, facts = bound("overhead", total_ms=5.0, share_of_ceiling=0.07), with_root(operators_per_call=80.0)
    finding = found(report, facts)["eager_overhead"]
    assert "80 operators" in finding.evidence
    assert "7%" in finding.evidence
    assert finding.line == "%tauto_autotune net"
    assert "eager_overhead" not in found(bound("overhead", total_ms=5000.0), facts)  # large operators
    assert "eager_overhead" not in found(report, FACTS)  # few operators


def test_faster_precision_follows_the_measured_ceilings():
    facts = replace(FACTS, gflops={"float32": 100.0, "bfloat16": 120.0, "int8": 400.0})
    finding = found(facts=facts)["faster_precision"]
    assert "int8 400" in finding.evidence
    assert "bfloat16" not in finding.evidence
    assert finding.line == "%tauto_quantize net"
    assert "faster_precision" not in found(bound("overhead"), facts)
    assert "faster_precision" not in found(facts=with_root(facts, precision="bfloat16"))


def test_faster_precision_of_training_is_autocast():
    facts = replace(TRAINING, gflops={"float32": 100.0, "bfloat16": 400.0})
    finding = found(facts=facts)["faster_precision"]
    assert "autocast" in finding.python
    assert finding.line == ""
    assert "faster_precision" not in found(facts=replace(TRAINING, gflops={"float32": 100.0, "int8": 400.0}))


def test_unfolded_norms():
    assert "after them: 3." in found(facts=with_root(foldable_norms=3))["unfolded_norms"].evidence
    assert "unfolded_norms" not in found(facts=with_root(foldable_norms=3, training_calls=1))


def test_memory_format():
    assert "memory_format" in found(facts=with_root(convolutions=20))
    assert "memory_format" not in found(facts=with_root(convolutions=20, channels_last=True))
    assert "channels_last" in found(facts=with_root(TRAINING, convolutions=20))["memory_format"].python


def test_threads():
    assert "set_num_threads(2)" in found(facts=replace(FACTS, threads=8))["threads"].python
    tiny = with_root(latency_ms=0.1)
    assert found(bound("overhead"), tiny)["threads"].python == "torch.set_num_threads(1)"
    assert "threads" not in found(bound("overhead"), replace(tiny, threads=1))
    assert "threads" not in found(bound("overhead"), with_root(latency_ms=50.0))


def test_what_was_not_seen_is_said():
    facts = with_root(replace(FACTS, not_traced="another profiler"), opaque="compiled", not_remembered="TypeError: no")
    every = found(facts=facts)
    assert {"not_traced", "opaque_model", "inputs_not_remembered"} <= set(every)
    assert every["inputs_not_remembered"].line == "%tauto_autotune net --inputs NAME"
    assert "untraced_model" in found(facts=with_root(traced=False))


@pytest.mark.parametrize("facts", [with_root(name="", convolutions=3, foldable_norms=1)])
def test_a_model_without_a_name(facts):
    every = found(facts=facts)
    assert every["can_be_tried"].line == "%tauto_autotune"
    assert "the Net called here" in every["can_be_tried"].python
