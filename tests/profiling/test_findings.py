"""The order of findings; mode, overhead, precision, layout and threads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from facts_by_hand import (
    FACTS,
    REPORT,
    ROW,
    TRAINING,
    bound,
    found,
    quiet,
    with_phases,
    with_root,
)

from tauto.profiling.facts import CompilerFacts
from tauto.profiling.findings import find
from tauto.profiling.findings._base import amdahl
from tauto.reports.profile import OperatorRow, RootModel

SMALL = (OperatorRow("aten::addmm", 10, 50.0, 50.0, 10, 0), OperatorRow("aten::add", 10, 50.0, 50.0, 10, 0))


def test_a_healthy_cell_is_only_offered_a_try():
    offer = found()["can_be_tried"]
    assert quiet()
    assert (offer.line, offer.python) == ("%tauto_autotune net", "tauto.autotune(net)")
    assert quiet(facts=TRAINING)


def test_no_model_no_findings():
    empty = replace(REPORT, modules=(), roots=(), root_calls=0, outside_ms=1000.0)
    assert find(empty, replace(FACTS, roots=())) == ()


def test_amdahl():
    assert amdahl(0.5, 2.0) == pytest.approx(1 / 0.75)
    assert amdahl(0.0, 9.0) == 1.0
    assert amdahl(2.0, 4.0) == 4.0, "a share is at most all"


def test_the_largest_gain_comes_first_and_what_was_not_seen_last():
    facts = with_root(foldable_norms=3, convolutions=9, channels_last_gain=1.5, not_remembered="TypeError: no")
    norm = replace(ROW, path="bn", depth=1, kind="BatchNorm2d", self_ms=20.0)
    operators = (OperatorRow("aten::mkldnn_convolution", 1, 30.0, 30.0, 1, 0), *SMALL)
    report = replace(bound("memory"), operators=operators)
    report = replace(report, modules=(*report.modules, norm))
    rules = list(found(report, replace(facts, threads=8)))
    assert rules == ["unfolded_norms", "memory_format", "many_threads", "inputs_not_remembered", "can_be_tried"]


def test_eval_missing():
    finding = found(facts=with_root(training_calls=100, mode_dependent=3))["eval_missing"]
    assert "100 of 100" in finding.evidence
    assert finding.python == "net.eval()"
    assert finding.fix.action == "inference"
    assert quiet(facts=with_root(training_calls=100)), "nothing in it computes otherwise"
    functional = replace(REPORT, operators=(OperatorRow("aten::native_dropout", 1, 1.0, 1.0, 0, 0),))
    assert "eval_missing" in found(functional, with_root(training_calls=1))


def test_eval_missing_gains_the_time_of_dropout():
    rows = (ROW, replace(ROW, path="drop", depth=1, kind="Dropout", self_ms=1.0))
    finding = found(replace(REPORT, modules=rows), with_root(training_calls=1, mode_dependent=1))["eval_missing"]
    assert finding.expected.speedup == pytest.approx(2.0)


def test_a_training_cell_is_never_told_to_use_eval():
    facts = with_root(TRAINING, training_calls=100, grad_calls=100, foldable_norms=3, mode_dependent=3)
    every = found(facts=facts)
    assert {"eval_missing", "inference_mode_missing", "unfolded_norms"}.isdisjoint(every)
    assert not any("eval" in finding.python for finding in every.values())


def test_trained_in_eval_mode():
    facts = with_root(TRAINING, grad_calls=100, mode_dependent=3)
    assert next(iter(found(facts=facts))) == "eval_while_training"
    assert "eval_while_training" not in found(facts=with_root(facts, mode_dependent=0))
    assert "eval_while_training" not in found(facts=with_root(facts, training_calls=1))
    assert "eval_while_training" not in found(facts=with_root(facts, trainable=False)), "a frozen teacher"


def test_inference_mode_missing():
    finding = found(replace(REPORT, modules=(replace(ROW, activation_bytes=5_000_000),)), with_root(grad_calls=7))[
        "inference_mode_missing"
    ]
    assert "net(...)" in finding.python
    assert finding.expected.bytes_saved == 5_000_000
    assert quiet(facts=with_root(grad_calls=7, trainable=False))


def test_validation_records_gradients():
    facts = with_root(TRAINING, training_calls=80, grad_calls=100, eval_grad_calls=20)
    finding = found(facts=facts)["validation_gradients"]
    assert finding.fix.options == {"only_eval_calls": True}
    assert "validation_gradients" not in found(facts=with_root(facts, eval_grad_calls=0))


def test_eager_overhead():
    report = replace(bound("overhead", total_ms=5.0, share_of_ceiling=0.07), operators=SMALL)
    facts = with_root(operators_per_call=80.0)
    finding = found(report, facts)["eager_overhead"]
    assert "80 operators" in finding.evidence
    assert "7%" in finding.evidence
    assert finding.expected.speedup == pytest.approx(2.0)
    assert finding.fix.action == "recipe"
    assert quiet(bound("overhead", total_ms=5000.0), facts), "large operators"
    assert quiet(report), "few operators"
    assert quiet(replace(report, operators=SMALL[:1]), facts), "nothing to merge"
    training = replace(TRAINING, roots=facts.roots)
    assert found(report, training)["eager_overhead"].fix.action == "compile"


def test_recompilation_in_plain_words():
    reason = "tensor 'x' size mismatch at index 0. expected 1, actual 2"
    compiler = CompilerFacts(compiled=5, recompiled=4, recompile_ms=400.0, recompile_reasons=(reason,))
    facts = with_root(replace(FACTS, compiler=compiler), opaque="compiled")
    finding = found(facts=facts)["recompilation"]
    assert "4 times" in finding.title
    assert "dimension 0 of x is 2, and it was compiled for 1" in finding.evidence
    assert finding.expected.speedup == pytest.approx(1 / 0.6)
    assert finding.fix.options == {"dynamic": True}
    few = replace(facts, compiler=replace(compiler, recompile_ms=40.0))
    assert "recompilation" not in found(facts=few)


def test_graph_breaks_name_the_line():
    compiler = CompilerFacts(compiled=2, breaks=1, break_places=("net.py:8",), break_reasons=("Data-dependent",))
    finding = found(facts=replace(FACTS, compiler=compiler))["graph_breaks"]
    assert "2 pieces" in finding.title
    assert "net.py:8" in finding.evidence
    assert quiet(facts=replace(FACTS, compiler=CompilerFacts(compiled=3)))


def test_faster_precision_follows_the_measured_ceilings():
    facts = replace(FACTS, gflops={"float32": 100.0, "bfloat16": 400.0, "int8": 120.0})
    finding = found(facts=facts)["faster_precision"]
    assert "bfloat16 400" in finding.evidence
    assert "int8" not in finding.evidence
    least, most = amdahl(0.5, 4.0), 4.0
    assert finding.expected.speedup == pytest.approx((least * most) ** 0.5)
    assert quiet(facts=replace(FACTS, gflops={"float32": 100.0, "bfloat16": 149.0}))
    assert quiet(bound("overhead"), facts)
    assert quiet(facts=with_root(facts, precision="bfloat16"))


def test_faster_precision_rests_on_the_measured_products():
    facts = with_root(replace(FACTS, gflops={"float32": 100.0, "bfloat16": 400.0}), bfloat16_gain=2.0)
    finding = found(facts=facts)["faster_precision"]
    assert finding.expected.speedup == pytest.approx(amdahl(0.8, 2.0))
    assert "measured here" in finding.expected.basis
    assert quiet(facts=with_root(facts, bfloat16_gain=0.9)), "the ceiling promised what its products do not hold"


def test_only_int8_is_faster():
    facts = replace(FACTS, gflops={"float32": 100.0, "int8": 400.0})
    finding = found(facts=facts)["faster_precision"]
    assert (finding.fix, finding.expected.speedup) == (None, None)
    assert finding.line == "%tauto_quantize net"
    assert quiet(facts=replace(TRAINING, gflops={"float32": 100.0, "int8": 400.0}))


def test_faster_precision_of_training_is_autocast():
    report = with_phases(forward=300.0, backward=500.0, optimizer=200.0)
    facts = with_root(
        replace(TRAINING, gflops={"float32": 100.0, "bfloat16": 400.0}), latency_ms=3.0, bfloat16_gain=2.0
    )
    finding = found(report, facts)["faster_precision"]
    assert "autocast" in finding.python
    assert finding.fix.options == {"device": "cpu", "dtype": "bfloat16"}
    assert finding.expected.speedup == pytest.approx(amdahl(0.8 * 0.8, 2.0))


def test_unfolded_norms_gain_their_measured_time():
    rows = (ROW, replace(ROW, path="bn", depth=1, kind="BatchNorm2d", self_ms=0.25))
    report = replace(REPORT, modules=rows)
    finding = found(report, with_root(foldable_norms=3))["unfolded_norms"]
    assert "after them: 3." in finding.evidence
    assert finding.expected.speedup == pytest.approx(1.25)
    assert quiet(report, with_root(foldable_norms=3, training_calls=1))
    assert quiet(facts=with_root(foldable_norms=3)), "they take no time"


def test_memory_format_asks_what_was_measured():
    report = replace(REPORT, operators=(OperatorRow("aten::mkldnn_convolution", 1, 80.0, 80.0, 1, 0), *SMALL[1:]))
    facts = with_root(convolutions=20, channels_last_gain=1.3)
    assert found(report, facts)["memory_format"].fix.action == "recipe"
    assert found(report, with_root(TRAINING, convolutions=20))["memory_format"].fix.action == "memory_format"
    assert quiet(report, with_root(convolutions=20, channels_last=True))
    assert quiet(report, with_root(convolutions=20, channels_last_gain=1.0))


def test_threads():
    assert "set_num_threads(2)" in found(facts=replace(FACTS, threads=8))["many_threads"].python
    few = found(facts=replace(FACTS, threads=1, cores=4, physical_cores=4))["few_threads"]
    assert few.expected.speedup == pytest.approx(4.0)
    assert few.fix.options == {"count": 4}
    assert quiet(facts=replace(FACTS, threads=2, cores=4, physical_cores=2)), "two hardware threads a core"


def test_threads_for_small_work():
    tiny = with_root(latency_ms=0.1)
    finding = found(bound("overhead"), tiny)["threads_for_small_work"]
    assert finding.python == "torch.set_num_threads(1)"
    assert finding.expected.speedup is None
    assert quiet(bound("overhead"), replace(tiny, threads=1))
    assert quiet(bound("overhead"), with_root(latency_ms=50.0))
    assert quiet(bound("overhead"), with_root(tiny, one_thread_gain=0.9)), "measured: it is not faster"


def test_what_was_not_seen_is_said():
    facts = with_root(replace(FACTS, not_traced="another profiler"), opaque="compiled", not_remembered="TypeError: no")
    every = found(facts=facts)
    assert {"not_traced", "opaque_model", "inputs_not_remembered"} <= set(every)
    assert every["inputs_not_remembered"].line == "%tauto_autotune net --inputs NAME"
    assert "untraced_model" in found(facts=with_root(traced=False))


def test_a_model_without_a_name():
    report = replace(REPORT, roots=(RootModel("Net", "Net", 100, 1000.0, 10, 40, (), False, 8),))
    every = found(report, with_root(name=""))
    assert every["can_be_tried"].line == "%tauto_autotune"
    assert "the Net called here" in every["can_be_tried"].python
