"""The page of a :class:`~tauto.reports.Comparison`, and the parts of it that other pages share."""

from __future__ import annotations

from collections.abc import Callable

from tauto.rendering.document import Block, Cell, Column, Document, Facts, Mark, Note, Row, Table, cell, numeric
from tauto.rendering.numbers import (
    UNKNOWN,
    count,
    data_size,
    duration,
    metric,
    metric_change,
    number,
    plural,
    rate,
    ratio,
    seconds,
    share,
)
from tauto.reports import Agreement, Comparison, Conditions, Measurement, Quality

__all__ = [
    "before_after",
    "break_even",
    "busy",
    "change",
    "change_row",
    "conditions",
    "document",
    "explain",
    "gains",
    "headline",
    "quality_note",
]

_COLUMNS = (Column(""), *numeric("Original", "Optimized"), Column("Change"))


def headline(report: Comparison) -> str:
    """Return the verdict in one line, such as ``Faster: 2.31× (2.25–2.37), 3.9× smaller``."""
    words = {"better": "Faster", "same": "No difference in speed that could be shown", "worse": "Slower"}
    rest = ", ".join(gains(report)[1:])
    head = f"{words[report.verdict]}: {ratio(report.speedup, report.speedup_interval)}"
    return f"{head}, {rest}" if rest else head


def gains(report: Comparison) -> list[str]:
    """Return what changed, speed first: ``3.4× faster (3.2–3.6)``, ``3.9× smaller``, ``accuracy 98.1 % → 98.0 %``."""
    faster = f"{ratio(report.speedup)} the speed"
    if report.speedup > 1:
        faster = f"{ratio(report.speedup)} faster"
    interval = report.speedup_interval
    low, high = interval.low, interval.high
    found = [f"{faster} ({ratio(low).removesuffix('×')}–{ratio(high)})"]
    if low > 1 and high > 1.5 * low:  # too unsure for one figure
        found = [f"at least {ratio(low)} faster"]
    elif report.verdict == "same":
        span = f"{ratio(low).removesuffix('×')}–{ratio(high)}" if interval.tells else interval.words
        found = [f"not shown to be faster or slower ({span})"]
    if 0 < report.size_ratio < 0.98:
        found.append(f"{ratio(1 / report.size_ratio)} smaller")
    elif report.size_ratio > 1.02:
        found.append(f"{ratio(report.size_ratio)} the size")
    found += [
        f"{quality.metric} {metric(quality.metric, quality.original)} → {metric(quality.metric, quality.optimized)}"
        for quality in report.quality[:3]
    ]
    return found


def before_after(report: Comparison) -> Table:
    """Return the table of the two side by side."""
    one, other = report.original, report.optimized
    rows = [
        Row((cell("Speedup, by pairs of blocks"), Cell(""), Cell(""), Cell(_speedup(report)))),
        change_row("Latency, median (p50)", one.latency.p50_ms, other.latency.p50_ms, duration),
        change_row("Latency, 95th percentile (p95)", one.latency.p95_ms, other.latency.p95_ms, duration),
        change_row("Throughput, samples", one.latency.throughput_per_s, other.latency.throughput_per_s, rate),
        change_row("Size to ship", one.size_bytes, other.size_bytes, data_size),
        change_row("Memory, steady", one.memory.steady_bytes, other.memory.steady_bytes, data_size),
        change_row(
            "Memory, peak while preparing",
            one.memory.peak_preparing_bytes,
            other.memory.peak_preparing_bytes,
            data_size,
        ),
        *map(_quality_row, report.quality),
    ]
    return Table("Before and after", _COLUMNS, tuple(rows), more="metrics", limit=20)


def _speedup(report: Comparison) -> str:
    """Return the measured speedup: it comes from paired blocks, not from the two medians."""
    return ratio(report.speedup, report.speedup_interval)


def change_row(name: str, one: float | None, other: float | None, written: Callable[[float | None], str]) -> Row:
    """Return a quantity of both sides as it is ``written``, with bars on one scale, and how it changed."""
    top = max(one or 0, other or 0)
    marks = [Mark(value, top) if value is not None and top > 0 else None for value in (one, other)]
    return Row((cell(name), Cell(written(one), marks[0]), Cell(written(other), marks[1]), Cell(change(one, other))))


def change(one: float | None, other: float | None) -> str:
    """Return what became of ``one``: ``+12 %``, ``−3.1 %``, ``4.2× as much``, ``unchanged``."""
    if one is None or other is None or one <= 0:
        return UNKNOWN
    part = other / one - 1
    if abs(part) < 0.0005:
        return "unchanged"
    if other / one >= 3:
        return f"{ratio(other / one)} as much"
    return f"{'+' if part > 0 else '−'}{share(abs(part))}"


def _quality_row(quality: Quality) -> Row:
    name = f"{quality.metric} ({'higher' if quality.higher_is_better else 'lower'} is better)"
    values = [quality.original, quality.optimized]
    top = max(values)
    cells = [
        Cell(metric(quality.metric, value), Mark(value, top) if top > 0 and value >= 0 else None) for value in values
    ]
    return Row((cell(name), *cells, cell(_drop(quality))))


def _drop(quality: Quality) -> str:
    held = "held" if quality.held else "not held"
    if quality.drop == 0:
        return f"unchanged: {held}"
    changed = metric_change(quality.metric, quality.drop)
    if quality.drop < 0:
        return f"{changed} better: {held}"
    return f"{changed} worse, {metric_change(quality.metric, quality.allowed_drop)} allowed: {held}"


def break_even(report: Comparison) -> str:
    """Return when the preparation has paid for itself, in words."""
    if report.preparation_s is None:
        return "preparation was not timed"
    spent = f"prepared in {seconds(report.preparation_s)}"
    if report.break_even_calls is None:
        return f"{spent}; it does not pay for itself by speed"
    return f"{spent}; it pays for itself after {plural(report.break_even_calls, 'call')}"


def conditions(report: Conditions, extra: tuple[tuple[str, str], ...] = ()) -> Facts:
    """Return what held for both sides alike."""
    rows = (
        ("Machine", f"{report.machine} ({report.device}, {plural(report.threads, 'thread')})"),
        ("Inputs", f"{', '.join(report.shapes[:8]) or 'none'}{', …' if len(report.shapes) > 8 else ''}"),
        ("Batch", plural(report.batch, "sample")),
        ("Mode", report.mode),
        *extra,
    )
    return Facts("Conditions, the same for both sides", rows)


def busy(report: Comparison) -> tuple[tuple[str, str], ...]:
    """Return a row that warns of timings on a busy machine; nothing when it was quiet."""
    sides = [side for side in (report.original, report.optimized) if side.latency.disturbed]
    if not sides:
        return ()
    words = ", ".join(f"{side.name} {duration(side.latency.p05_ms)} to {duration(_typical_ms(side))}" for side in sides)
    return (
        (
            "Busy",
            f"other work disturbed the timing (fast calls to typical ones: {words}), so the speedup is of the calls "
            "that ran undisturbed; measure again when quiet",
        ),
    )


def _typical_ms(side: Measurement) -> float:
    return max(side.latency.p50_ms, side.latency.block_ms or 0.0)


def quality_note(report: Comparison) -> str:
    """Return by which rule quality was judged, and how it came out."""
    verdict = {True: "held", False: "not held", None: "unproved"}[report.quality_held]
    # the rule of an unproved quality may say so itself
    return f"{verdict}: {report.quality_rule.removeprefix(f'{verdict}: ')}"


def agreement(report: Agreement) -> str:
    """Return how close the outputs are, in words."""
    same = "" if report.same_answer is None else f", same answer for {share(report.same_answer)} of them"
    return (
        f"over {plural(report.samples, 'sample')}: worst cosine {number(report.cosine, 5)}, "
        f"worst relative error {share(report.relative_error)}{same}"
    )


def document(report: Comparison) -> Document:
    """Return the page."""
    timing = report.original.latency
    how = f"{count(timing.calls)} timed calls a side in {plural(timing.blocks, 'interleaved block')}"
    settled = "until settled" if report.settled else "until the time cap, so the interval is wider than ±3 %"
    facts = [
        ("Timed", f"{how}, {settled}"),
        ("Interval", "95 % confidence, of the ratio"),
        ("Quality", quality_note(report)),
    ]
    if report.agreement:
        facts.append(("Outputs", agreement(report.agreement)))
    if report.preparation_s is not None:
        facts.append(("Preparation", break_even(report)))
    blocks: list[Block] = [before_after(report)]
    reasons = {report.original.memory.reason, report.optimized.memory.reason} - {""}
    blocks += [Note(f"Memory: {reason}") for reason in sorted(reasons)]
    blocks.append(conditions(report.conditions, (*facts, *busy(report))))
    tone = {"better": "good", "same": "neutral", "worse": "bad"}[report.verdict]
    title = f"{report.optimized.name} against {report.original.name}"
    return Document(title, headline(report), tuple(blocks), tone)  # type: ignore[arg-type]


def explain(report: Comparison) -> str:
    """Return the comparison in plain sentences."""
    one, other = report.original, report.optimized
    verdict = {
        "better": "faster, and the whole interval lies above 1.02",
        "same": "neither faster nor slower by more than 2 % that could be shown",
        "worse": "slower, and the whole interval lies below 0.98",
    }[report.verdict]
    sentences = [
        f"{other.name} takes {duration(other.latency.p50_ms)} a call where {one.name} takes "
        f"{duration(one.latency.p50_ms)}: a speedup of {ratio(report.speedup, report.speedup_interval)}.",
        f"It is {verdict}.",
        f"It ships {data_size(other.size_bytes)} instead of {data_size(one.size_bytes)}.",
        f"Quality {quality_note(report)}.",
    ]
    if report.preparation_s is not None:
        words = break_even(report)
        sentences.append(f"{words[:1].upper()}{words[1:]}.")
    if not report.settled:
        sentences.append("The time cap was reached before the interval became narrower than ±3 %.")
    return " ".join(sentences)
