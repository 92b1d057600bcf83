"""The page of a :class:`~tauto.reports.FixReport`: what a finding's fix brought."""

from __future__ import annotations

import math

from tauto.rendering.comparison import change, change_row
from tauto.rendering.document import Block, Cell, Code, Column, Document, Facts, Note, Row, Table, cell, numeric
from tauto.rendering.numbers import UNKNOWN, count, data_size, duration, number, plural, ratio, seconds
from tauto.reports import FixReport, FixSide

__all__ = ["document", "explain", "headline"]

_COLUMNS = (Column(""), *numeric("As it is", "With the fix"), Column("Change"))


def headline(report: FixReport) -> str:
    """Return what came of it in one line, such as ``Better: 3.20× (3.05–3.36), 412 ms → 129 ms a step``."""
    if report.verdict is None or report.original is None or report.fixed is None:
        return f"{'Stopped' if report.interrupted else 'Could not be tried'}: {report.reason}"
    if report.interrupted:
        words = {"better": "better", "same": "no difference shown", "worse": "worse"}[report.verdict]
        return f"Stopped early, {words} until then: {_gain(report)}"
    words = {"better": "Better", "same": "Did not help here", "worse": "Worse here"}[report.verdict]
    return f"{words}: {_gain(report)}"


def _gain(report: FixReport) -> str:
    time, memory = _time(report), _memory(report)
    if report.objective == "memory":
        return f"{memory}, at {ratio(report.speedup)} the speed"
    return time


def _time(report: FixReport) -> str:
    before = report.original.step.p50_ms if report.original else None
    after = report.fixed.step.p50_ms if report.fixed else None
    return f"{ratio(report.speedup, report.speedup_interval)}, {duration(before)} → {duration(after)} a {_unit(report)}"


def _memory(report: FixReport) -> str:
    before = report.original.peak_bytes if report.original else None
    after = report.fixed.peak_bytes if report.fixed else None
    return f"peak memory {data_size(before)} → {data_size(after)} ({change(before, after)})"


def _unit(report: FixReport) -> str:
    return {"optimizer step": "training step", "model call": "call of the model", "run of the cell": "run of the cell"}[
        report.unit
    ]


def document(report: FixReport) -> Document:
    """Return the page."""
    blocks: list[Block] = []
    if report.original is not None and report.fixed is not None:
        blocks.append(_sides(report, report.original, report.fixed))
    if report.verdict is not None:
        blocks.append(Facts("Expected and measured", _expectation(report)))
    blocks += [Note(note) for note in _notes(report)]
    if report.finding.python:
        caption = "To keep it" if report.verdict == "better" else "What was tried"
        blocks.append(Code(caption, report.finding.python))
    blocks.append(_conditions(report))
    tone = {"better": "good", "same": "neutral", "worse": "bad", None: "neutral"}[report.verdict]
    title = f"Fix tried: {report.finding.title}"
    return Document(title, headline(report), tuple(blocks), tone)  # type: ignore[arg-type]


def _sides(report: FixReport, before: FixSide, after: FixSide) -> Table:
    unit = _unit(report).capitalize()
    one, other = before.step, after.step
    rows = [
        change_row(f"{unit}, median of blocks", one.p50_ms, other.p50_ms, duration),
        change_row(f"{unit}, slow blocks (p95)", one.p95_ms, other.p95_ms, duration),
        change_row("Until the first steps had ended", before.warm_up_ms, after.warm_up_ms, duration),
        change_row("Peak memory, growth", before.peak_bytes, after.peak_bytes, data_size),
    ]
    loads = report.finding.fix is not None and report.finding.fix.action == "loader"  # random items differ by worker
    if not loads and (before.loss is not None or after.loss is not None):
        moved = "the same" if before.loss == after.loss else _moved(before.loss, after.loss)
        losses = Cell(number(before.loss, 4)), Cell(number(after.loss, 4))
        rows.append(Row((cell("Loss, after as many steps"), *losses, Cell(moved))))
    return Table("The cell as it is, and with the fix", _COLUMNS, tuple(rows), more="rows", limit=8)


def _moved(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return UNKNOWN
    if not math.isfinite(after) and math.isfinite(before):
        return "no longer a number: do not keep this fix"
    return f"{'+' if after > before else '−'}{number(abs(after - before), 2)}"


def _expectation(report: FixReport) -> tuple[tuple[str, str], ...]:
    expected = report.finding.expected
    rows = [("Measured", _time(report))]
    if report.bytes_saved is not None and report.objective == "memory":
        rows.insert(0, ("Measured", _memory(report)))
    if expected is not None:
        gains = [f"{ratio(expected.speedup)}"] if expected.speedup is not None else []
        gains += [f"{data_size(expected.bytes_saved)} less memory"] if expected.bytes_saved else []
        words = " and ".join(gains) or "no figure"
        rows.insert(0, ("Expected", f"{words}: an estimate, {expected.basis}"))
    rows.append(("Verdict", report.reason))
    return tuple(rows)


def _notes(report: FixReport) -> list[str]:
    notes = list(report.notes)
    if not report.same_results and report.verdict is not None:
        notes.append(
            "This fix may change what the cell computes: look at the loss, or at the quality, before keeping it."
        )
    if report.verdict == "better" and report.original and report.fixed and (paid := _pays(report)) is not None:
        extra = report.fixed.warm_up_ms - report.original.warm_up_ms
        notes.append(f"The first steps took {duration(extra)} longer: that is won back after {plural(paid, 'step')}.")
    return notes


def _pays(report: FixReport) -> int | None:
    """Return after how many steps what the fix costs at the start is won back, when it costs a second or more."""
    if report.original is None or report.fixed is None:
        return None
    extra = report.fixed.warm_up_ms - report.original.warm_up_ms
    saved = report.original.step.p50_ms - report.fixed.step.p50_ms
    return math.ceil(extra / saved) if extra > 1000 and saved > 0 else None


def _conditions(report: FixReport) -> Facts:
    rows = [("Machine", f"{report.machine} ({report.device}, {plural(report.threads, 'thread')})")]
    if report.original is not None and report.fixed is not None:
        step = report.original.step
        end = "it was stopped" if report.interrupted else "the time was up"
        settled = "until settled" if report.settled else f"until {end}, so the interval is wider than ±3 %"
        how = f"{count(step.calls)} steps a side in {plural(step.blocks, 'interleaved block')}, {settled}"
        rows.append(("Timed", f"{how}; each side in a process of its own, one at a time, from the same seed"))
        rows.append(("Interval", f"{95 if report.settled else 99} % confidence, of the ratio"))
        if report.original.step.disturbed or report.fixed.step.disturbed:
            rows.append(("Busy", "other work disturbed the timing; try again when the machine is quiet"))
    rows.append(("Time taken", f"{seconds(report.wall_s)} of {seconds(report.budget_s)}"))
    return Facts("Conditions, the same for both sides", tuple(rows))


def explain(report: FixReport) -> str:
    """Return what came of it in plain sentences."""
    finding = report.finding
    sentences = [f"{finding.title}.", f"{headline(report)}."]
    if report.verdict is not None:
        sentences.append(f"{report.reason[:1].upper()}{report.reason[1:]}.")
        expected = finding.expected
        if expected is not None and expected.speedup is not None:
            sentences.append(f"Expected was {ratio(expected.speedup)}: {expected.basis.rstrip('.')}.")
    sentences += _notes(report)
    if report.verdict == "better" and finding.python:
        sentences.append(f"To keep it: {finding.python}")
    elif report.verdict is not None and not report.interrupted:
        sentences.append("Leave the cell as it is.")
    return " ".join(sentences)
