"""Which small measurements the rules need for a cell, taken only where a rule would ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tauto.profiling.facts import Facts, RootFacts
from tauto.profiling.findings._base import called, top_row
from tauto.profiling.findings.precision import FASTER
from tauto.profiling.findings.threads import TINY_MS
from tauto.profiling.operator import Operator
from tauto.profiling.operator_probes import Variant, measured_gain
from tauto.reports.profile import ProfileReport

__all__ = ["with_probes"]


def with_probes(report: ProfileReport, facts: Facts, heavy: Sequence[tuple[Operator, int]]) -> Facts:
    """Return ``facts`` with what the heaviest products of a CPU cell gain otherwise, where a rule would ask.

    Parameters
    ----------
    report : ProfileReport
        Without its findings.
    facts : Facts
        Without measured gains.
    heavy : sequence of (Operator, int)
        Products of the cell's models with the time in them.
    """
    if report.device != "cpu" or not heavy:
        return facts
    known: dict[Variant, float | None] = {}

    def gain(variant: Variant) -> float | None:
        if variant not in known:
            known[variant] = measured_gain(heavy, variant, backward=facts.trains, threads=facts.threads)
        return known[variant]

    roots = list(facts.roots)
    for index, root in called(facts):
        wanted = _wanted(report, facts, index, root)
        roots[index] = replace(
            root,
            bfloat16_gain=gain("bfloat16") if "bfloat16" in wanted else None,
            channels_last_gain=gain("channels_last") if "channels_last" in wanted else None,
            one_thread_gain=gain("one_thread") if "one_thread" in wanted else None,
        )
    return replace(facts, roots=tuple(roots))


def _wanted(report: ProfileReport, facts: Facts, index: int, root: RootFacts) -> list[Variant]:
    row, wanted = top_row(report, index), list[Variant]()
    if row is None or root.opaque:
        return wanted
    base = facts.gflops.get("float32", 0.0)
    if row.bound == "compute" and root.precision == "float32" and facts.gflops.get("bfloat16", 0.0) >= FASTER * base:
        wanted.append("bfloat16")
    if root.convolutions and not root.channels_last:
        wanted.append("channels_last")
    if row.bound == "overhead" and root.latency_ms <= TINY_MS and facts.threads > 1:
        wanted.append("one_thread")
    return wanted
