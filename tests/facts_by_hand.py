"""A healthy cell by hand, and ways to make it ill."""

from __future__ import annotations

from dataclasses import replace

from tauto.profiling.facts import Facts, LoaderFacts, OptimizerFacts, RootFacts
from tauto.profiling.findings import find
from tauto.profiling.fixes import ACTIONS
from tauto.reports.profile import Finding, LineRow, ModuleRow, OperatorRow, Phase, ProfileReport, RootModel

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
MODEL = RootModel("net", "Net", 100, 1000.0, 10, 40, ("float32[8, 3]",), False, 8)
REPORT = ProfileReport(
    subject="cell",
    wall_ms=1000.0,
    outside_ms=10.0,
    root_calls=100,
    sampled_calls=5,
    roots=(MODEL,),
    modules=(ROW,),
    operators=(OperatorRow("aten::addmm", 10, 80.0, 80.0, 10, 0), OperatorRow("aten::relu", 10, 20.0, 20.0, 10, 0)),
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
FACTS = Facts(
    looks=500, roots=(ROOT,), threads=2, cores=2, gflops={"float32": 100.0}, copy_cache_gbps=50.0, copy_memory_gbps=10.0
)
TRAINING = replace(FACTS, backward_calls=100, backward_ms=400.0, step_ms=100.0)
LOADER = LoaderFacts("loader", "Pictures", 0, 32, epochs=1, batches=100, waited_ms=600.0, batch_ms=6.0, cpu_ms=600.0)
ADAM = OptimizerFacts("optimizer", "Adam", 100, tensors=60, parameter_bytes=1_000_000, can_fuse=True)


def found(report: ProfileReport = REPORT, facts: Facts = FACTS) -> dict[str, Finding]:
    """Return the findings by rule, each whole: words, a fix of the closed set, a basis for what is expected."""
    findings = find(report, facts)
    for finding in findings:
        assert finding.title
        assert finding.evidence
        if finding.cause == "seen":
            continue
        assert finding.expected is not None or finding.fix is None, finding.rule
        assert finding.expected is None or finding.expected.basis
        if finding.fix is not None:
            assert finding.fix.action in ACTIONS
            assert finding.rule in finding.line
    return {finding.rule: finding for finding in findings}


def quiet(report: ProfileReport = REPORT, facts: Facts = FACTS) -> bool:
    """Return whether nothing is found but the offer to try."""
    return list(found(report, facts)) == ["can_be_tried"]


def with_root(facts: Facts = FACTS, **changes: object) -> Facts:
    """Return the facts with another first root."""
    return replace(facts, roots=(replace(facts.roots[0], **changes),))  # type: ignore[arg-type]


def bound(kind: str, **changes: object) -> ProfileReport:
    """Return the report of a model that something else binds."""
    return replace(REPORT, modules=(replace(ROW, bound=kind, **changes),))  # type: ignore[arg-type]


def with_phases(report: ProfileReport = REPORT, **milliseconds: float) -> ProfileReport:
    """Return the report with these phases."""
    return replace(report, phases=tuple(Phase(name, 1, ms) for name, ms in milliseconds.items()))  # type: ignore[arg-type]


def with_line(source: str, share: float, phase: str = "other", *, waits: bool = False) -> ProfileReport:
    """Return the report with one line of the user's code at which the thread was found."""
    row = LineRow("train.py", 12, source, share, phase, waits)  # type: ignore[arg-type]
    return replace(REPORT, lines=(row,))
