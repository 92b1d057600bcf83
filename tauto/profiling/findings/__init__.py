"""What holds the cell back: rules over the report and a few facts, each a function of its own, one file a cause.

A rule claims no gain that was not measured: its evidence is what was seen, what it expects is Amdahl's law on measured
shares and ceilings, and its line measures what helps.
"""

from __future__ import annotations

from itertools import chain

from tauto.profiling.facts import Facts
from tauto.profiling.findings import (
    data,
    growth,
    layout,
    memory,
    mode,
    overhead,
    precision,
    seen,
    synchronisation,
    threads,
    waste,
)
from tauto.profiling.findings._base import Rule
from tauto.reports.profile import Cause, Finding, ProfileReport

__all__ = ["RULES", "find"]

RULES: tuple[Rule, ...] = (
    data.data_loading,
    data.data_by_item,
    data.data_cached,
    data.data_restart,
    data.data_generator,
    data.pinning,
    mode.eval_missing,
    mode.eval_while_training,
    mode.inference_mode_missing,
    mode.validation_gradients,
    waste.frozen_gradients,
    waste.no_cache,
    waste.conversion_in_loop,
    waste.unused_parameters,
    overhead.eager_overhead,
    overhead.recompilation,
    overhead.graph_breaks,
    precision.faster_precision,
    layout.unfolded_norms,
    layout.memory_format,
    threads.many_threads,
    threads.few_threads,
    threads.threads_for_small_work,
    memory.activations,
    memory.optimizer_state,
    memory.optimizer_unfused,
    growth.memory_growth,
    memory.page_faults,
    synchronisation.printing,
    synchronisation.device_waits,
    synchronisation.slow_line,
    synchronisation.outside_model,
    seen.not_seen,
    seen.can_be_tried,
)
"""In the order in which equal gains are told."""


def find(report: ProfileReport, facts: Facts) -> tuple[Finding, ...]:
    """Return what every rule finds: the causes by the largest gain in each, and the gains of a cause likewise.

    A wrong mode comes first whatever it gains, as it is about right results; what the profile could not see is last.
    """
    found = list(chain.from_iterable(rule(report, facts) for rule in RULES))
    best: dict[Cause, float] = {}
    for finding in found:
        best[finding.cause] = max(best.get(finding.cause, 0.0), _rank(finding))
    order = list(best)
    return tuple(
        sorted(
            found,
            key=lambda one: (one.cause == "seen", -best[one.cause], order.index(one.cause), -_rank(one)),
        )
    )


def _rank(finding: Finding) -> float:
    """What it is worth to be told early: its expected speedup; a gain that is not known counts as none."""
    if finding.rule in {"eval_missing", "eval_while_training"}:
        return float("inf")
    return (finding.expected.speedup if finding.expected else None) or 1.0
