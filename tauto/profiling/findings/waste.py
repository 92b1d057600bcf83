"""Work whose result nobody uses, or that was done before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from tauto.profiling.facts import Facts, RootFacts
from tauto.profiling.findings._base import (
    by_saving,
    called,
    inferring,
    model_name,
    phase_ms,
    place_of,
    seen_lines,
    top_row,
    worth,
)
from tauto.profiling.fixes import fix, fix_line
from tauto.reports.profile import Finding, Gain, LineRow, ProfileReport

__all__ = ["conversion_in_loop", "frozen_gradients", "no_cache", "unused_parameters"]

REPEATED = 8
"""Calls from which on a growing sequence is not chance."""
CONVERTING = 0.05
"""Of the looks at the thread."""
_CONVERSION = re.compile(
    r"\.(?:to|float|half|double|bfloat16|long|type|contiguous|clone)\(|torch\.(?:tensor|as_tensor|from_numpy|zeros|ones|randn?|"
    r"full|arange|stack|eye|linspace)\(|np\.(?:array|asarray|stack)\(|\.numpy\("
)
_SIZES = re.compile(r"\[([\d, ]+)\]")
_MOST_NAMES = 3


def frozen_gradients(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find gradients of parameters that no optimizer of the cell updates."""
    if not facts.trains or not facts.optimizers:
        return
    for index, root in called(facts):
        if not root.frozen:
            continue
        spent, how = _backward_of(report, facts, index, root.frozen)
        part = 1.0 if root.frozen_first else 0.5
        where = "nothing before them trains, so all of it goes" if root.frozen_first else "half of it: their weights'"
        rows = [row for row in report.modules if row.root == index and row.path in root.frozen]
        kept = sum(row.activation_bytes for row in rows) if root.frozen_first else 0
        yield Finding(
            "frozen_gradients",
            f"Gradients are computed for parts of {root.title} that nothing trains",
            f"{_listed(root.frozen)}: got gradients at every step looked at, and no optimizer of this cell has these "
            f"parameters. Their backward pass took {spent:,.0f} of {report.wall_ms:,.0f} ms.",
            fix_line("frozen_gradients"),
            _freezing(root),
            cause="waste",
            expected=by_saving(report, spent * part, f"their backward pass, {how}; {where}", kept or None),
            fix=fix("freeze", root.name),
        )


def unused_parameters(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find parameters of an optimizer that take no part in the loss."""
    for _, root in called(facts):
        if root.unused:
            yield Finding(
                "unused_parameters",
                f"Parts of {root.title} take no part in the loss",
                f"{_listed(root.unused)}: in an optimizer, and without a gradient at every step looked at. They do not "
                "learn: a layer that forward does not call, or a result that the loss does not use.",
                "",
                f"for name, p in {model_name(root)}.named_parameters():\n    if p.grad is None: print(name)",
                cause="waste",
            )


def no_cache(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a sequence that is computed again from its beginning for each new element."""
    for index, root in inferring(facts):
        first = _growing(report.roots[index].shapes) if index < len(report.roots) else None
        if first is None or root.calls < REPEATED:
            continue
        gain = _cache_gain(report, facts, index, first)
        if worth(gain):
            yield Finding(
                "no_cache",
                f"{root.title} computes the whole sequence again for each new element",
                f"{root.calls} calls, each with a sequence longer by one: from {first} to {first + root.calls - 1}. "
                "What the layers computed for the elements before is the same each time.",
                "",
                "out = model(ids[:, -1:], past_key_values=out.past_key_values, use_cache=True)",
                cause="waste",
                expected=gain,
            )


def conversion_in_loop(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a line that makes or converts a tensor again and again."""
    if not report.root_calls or not report.wall_ms:
        return
    python = "do it once before the loop, or in the dataset; if it changes each time, write into one tensor: out=..."
    told = False
    for row in seen_lines(report, facts):
        if row.waits_for_data or row.phase == "data" or row.share < CONVERTING or not _CONVERSION.search(row.source):
            continue
        if not _calls_a_model(row, facts):
            told = True
            yield Finding(
                "conversion_in_loop",
                "A line makes or converts a tensor again and again",
                f"The thread was found there {row.share:.0%} of the time: {place_of(row)}.",
                "",
                python,
                cause="waste",
                expected=by_saving(
                    report, row.share * report.wall_ms, "the share of looks at the thread, if none of it stays"
                ),
            )
    spent = facts.conversion_ms * (report.steps.count if report.steps else report.root_calls)
    if not told and spent >= CONVERTING * report.wall_ms:
        yield Finding(
            "conversion_in_loop",
            "The loop converts tensors again and again",
            f"{facts.conversions_per_step:.0f} conversions of type, device or layout a step outside the model, "
            f"{facts.conversion_ms:.2f} ms: {spent / report.wall_ms:.0%} of the cell.",
            "",
            python,
            cause="waste",
            expected=by_saving(report, spent, "the conversions of the sampled steps, if none of them stays"),
        )


def _backward_of(report: ProfileReport, facts: Facts, index: int, paths: tuple[str, ...]) -> tuple[float, str]:
    """The time of the backward pass through these modules in the whole cell, and how it was found."""
    top, rows = top_row(report, index), [row for row in report.modules if row.root == index and row.path in paths]
    whole = phase_ms(report, facts, "backward")
    if top is None or not rows:
        return 0.0, "which was not traced"
    if top.backward_ms:
        return whole * min(sum(row.backward_ms or 0.0 for row in rows) / top.backward_ms, 1.0), "as traced"
    share = sum(row.flops for row in rows) / top.flops if top.flops else 0.0
    return whole * share, "in proportion to their FLOPs"


def _freezing(root: RootFacts) -> str:
    path = next((path for path in root.frozen), "")
    part = f"{model_name(root)}.{path}" if path else model_name(root)
    return f"{part}.requires_grad_(False)"


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(name or "the whole model" for name in names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown


def _growing(shapes: tuple[str, ...]) -> int | None:
    """Return the first length when a dimension grows by one from each shape to the next, else None."""
    sizes = [tuple(map(int, found[1].split(","))) for shape in shapes if (found := _SIZES.search(shape))]
    if len(sizes) < 4 or len({len(size) for size in sizes}) != 1:
        return None
    steps = {tuple(b - a for a, b in zip(one, two, strict=True)) for one, two in pairwise(sizes)}
    step = next(iter(steps))
    if len(steps) != 1 or sum(step) != 1 or set(step) - {0, 1} or step[0] == 1:
        return None
    return sizes[0][step.index(1)]


def _cache_gain(report: ProfileReport, facts: Facts, index: int, first: int) -> Gain:
    """A call for one element reads all weights once, and runs as many operators."""
    root = facts.roots[index]
    if not facts.copy_memory_gbps:
        return Gain(None, None, "this machine's bandwidth is not known")
    mean = first + (root.calls - 1) / 2
    weights = report.roots[index].parameter_bytes / (facts.copy_memory_gbps * 1e6)
    operators = root.operators_per_call * facts.operator_us / 1000
    least = max(weights, operators, root.latency_ms / mean)
    return Gain(
        root.latency_ms / least,
        None,
        f"{root.latency_ms:.1f} ms a call for {mean:.0f} elements on average; one alone takes at least {least:.1f} ms: "
        f"its part of that, {weights:.1f} ms to read all weights at this machine's bandwidth, {operators:.1f} ms for "
        f"{root.operators_per_call:.0f} operators at {facts.operator_us:.1f} µs",
    )


def _calls_a_model(row: LineRow, facts: Facts) -> bool:
    return any(root.name and f"{root.name}(" in row.source for root in facts.roots)
