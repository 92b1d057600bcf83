"""Time between operators: many small ones, and what a compiled model does again."""

from __future__ import annotations

from collections.abc import Iterator

from tauto.profiling.facts import Facts, RootFacts
from tauto.profiling.findings._base import (
    amdahl,
    by_saving,
    called,
    model_name,
    model_share,
    top_row,
    worth,
)
from tauto.profiling.fixes import fix, fix_line, recipe_fix
from tauto.reports.profile import Finding, Gain, ProfileReport
from tauto.techniques.engines.dynamo import guard_in_words

__all__ = ["eager_overhead", "graph_breaks", "recompilation", "small_share"]

MANY_OPERATORS = 20
SMALL_OPERATOR_US = 100
RECOMPILING = 0.05
"""Of the cell's time."""
_PRODUCTS = ("mm", "conv", "attention", "linear", "lstm", "gru", "rnn", "embedding", "fft", "sort", "einsum")


def small_share(report: ProfileReport) -> float:
    """Return the share of operator time that is not in products: element-wise work, copies, sums."""
    whole = sum(row.self_ms for row in report.operators)
    small = sum(row.self_ms for row in report.operators if not any(word in row.name for word in _PRODUCTS))
    return small / whole if whole > 0 else 0.0


def eager_overhead(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find many small operators, whose launching takes longer than their work."""
    for index, root in called(facts):
        row = top_row(report, index)
        if row is None or row.bound != "overhead" or root.operators_per_call < MANY_OPERATORS or root.opaque:
            continue
        spent_ms = row.total_ms + (row.backward_ms or 0.0)
        each_us = 1000 * spent_ms / row.calls / root.operators_per_call
        if each_us > SMALL_OPERATOR_US:
            continue
        small = small_share(report)
        gain = Gain(
            amdahl(model_share(report, facts, index) * small, 1e6),
            None,
            f"at best: a compiler merges what is not a product, {small:.0%} of operator time, into its neighbours",
        )
        if not worth(gain):
            continue
        yield Finding(
            "eager_overhead",
            f"{root.title} spends its time between operators, not in them",
            f"{root.operators_per_call:.0f} operators a call at {each_us:.0f} µs each on average; at this machine's "
            f"ceilings their arithmetic and memory traffic explain {row.share_of_ceiling or 0:.0%} of it. Fewer, "
            "larger calls help as well: a larger batch costs hardly more time.",
            fix_line("eager_overhead"),
            f"{model_name(root)} = torch.compile({model_name(root)})",
            cause="overhead",
            expected=gain,
            fix=fix("compile", root.name) if facts.trains else recipe_fix(root.name, "compile"),
        )


def recompilation(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a compiled model that was compiled again and again."""
    found = facts.compiler
    if not found.recompiled or found.recompile_ms < RECOMPILING * report.wall_ms:
        return
    sizes = any("size mismatch" in reason or "shape" in reason for reason in found.recompile_reasons)
    reasons = "; ".join(map(guard_in_words, found.recompile_reasons))
    root = _compiled(facts)
    yield Finding(
        "recompilation",
        f"torch.compile compiled {'for each new size' if sizes else 'again'}: "
        f"{found.recompiled} {'time' if found.recompiled == 1 else 'times'} in this cell",
        f"{found.recompile_ms:,.0f} of {report.wall_ms:,.0f} ms were spent on it. Why: {reasons}.",
        fix_line("recompilation") if sizes else "",
        f"torch.compile({model_name(root) if root else 'model'}, dynamic=True)"
        if sizes
        else "give the model what stays the same between calls as tensors, not as numbers",
        cause="overhead",
        expected=by_saving(report, found.recompile_ms, "the time of the compilations but the first, measured"),
        fix=fix("compile", root.name, dynamic=True) if sizes and root else None,
    )


def graph_breaks(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a compiled model that is cut into pieces."""
    found = facts.compiler
    if not found.breaks:
        return
    reasons = f" Why: {'; '.join(found.break_reasons)}." if found.break_reasons else ""
    yield Finding(
        "graph_breaks",
        f"torch.compile cut the model in {found.breaks + 1} pieces",
        f"It goes back to plain Python at {', '.join(found.break_places)}.{reasons} Nothing is merged across a cut.",
        "",
        "tauto.compile(model, inputs=x).compilation.breaks  # each cut: the line, why, and what to change",
        cause="overhead",
        expected=Gain(None, None, "what is merged across a cut shows only when it is gone"),
    )


def _compiled(facts: Facts) -> RootFacts | None:
    return next((root for _, root in called(facts) if root.opaque == "compiled"), None)
