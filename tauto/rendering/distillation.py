"""The page of a :class:`~tauto.reports.DistillationReport`: the student beside its teacher, and how it was taught."""

from __future__ import annotations

from typing import Literal

from tauto.rendering import comparison as pages
from tauto.rendering import fitting
from tauto.rendering.document import Block, Code, Column, Document, Facts, Folded, Row, Table, cell, numeric
from tauto.rendering.hints import Hints
from tauto.rendering.numbers import metric, number, plural, seconds, share
from tauto.rendering.weight_pictures import picture_blocks
from tauto.reports import DistillationReport

__all__ = ["document", "explain", "headline"]

_FROM = {
    "logits": "its outputs",
    "features": "its outputs, and what its layers put out",
    "attention": "its outputs, and where its layers look",
    "relational": "its outputs, and how its last layer sets samples apart",
}
_OWN_CODE = (
    "r.model      # the one to use: the student, or the teacher where it was kept\nr.student    # the trained student"
)


def headline(report: DistillationReport) -> str:
    """Return the verdict in one line with its numbers."""
    reason = report.reason.strip().rstrip(".")
    if report.verdict == "improved" and report.comparison:
        return f"Improved: {', '.join(pages.gains(report.comparison))}"
    return f"Kept {report.teacher}: {reason}" if report.verdict == "kept_original" else f"Infeasible: {reason}"


def document(report: DistillationReport, hints: Hints | None = None) -> Document:
    """Return the page."""
    blocks: list[Block] = [_quality(report)] if report.before else []
    if report.comparison:
        blocks.append(pages.before_after(report.comparison))
    blocks.append(Facts("How it was taught", _how(report)))
    if report.comparison:
        rule = (("Quality", pages.quality_note(report.comparison)), *pages.busy(report.comparison))
        blocks.append(pages.conditions(report.comparison.conditions, rule))
    if hints is not None and hints.form != "terminal":
        blocks.append(Code("To use it, with r = tauto.last()", _OWN_CODE))
    blocks += picture_blocks(report.pictures)
    course = fitting.document(report.training)
    blocks.append(Folded(f"The training: {course.headline}", course.blocks))
    tones: dict[str, Literal["good", "neutral", "bad"]] = {"improved": "good", "kept_original": "neutral"}
    title = f"{report.student} taught by {report.teacher}"
    return Document(title, headline(report), tuple(blocks), tones.get(report.verdict, "bad"))


def _quality(report: DistillationReport) -> Table:
    after = {row.metric: row for row in report.comparison.quality} if report.comparison else {}
    rows = []
    for row in report.before:
        taught = metric(row.metric, after[row.metric].optimized) if row.metric in after else "–"
        better = "higher" if row.higher_is_better else "lower"
        values = (metric(row.metric, row.original), metric(row.metric, row.optimized), taught)
        rows.append(Row((cell(f"{row.metric} ({better} is better)"), *map(cell, values))))
    columns = (Column(""), *numeric("Teacher", "Student as given", "Student taught"))
    return Table("Quality", columns, tuple(rows), more="metrics")


def _how(report: DistillationReport) -> tuple[tuple[str, str], ...]:
    course = report.training
    rest = f", {share(1 - report.teacher_share)} from the labels" if report.teacher_share < 1 else ", and no labels"
    heat = "4 for scores of classes" if report.temperature is None else number(report.temperature)
    rows = [
        ("Learned from", f"{_FROM.get(report.method, report.method)} ({report.method})"),
        ("Loss", f"{share(report.teacher_share)} from the teacher{rest}; temperature {heat}"),
        ("Took", f"{plural(course.steps, 'step')} in {seconds(course.wall_s)}, all in all {seconds(report.wall_s)}"),
    ]
    if report.matched:
        rows.insert(1, ("Layers", ", ".join(report.matched)))
    if course.stopped != "finished":
        rows.append(("Ended", course.reason))
    return tuple(rows)


def explain(report: DistillationReport) -> str:
    """Return what came of it in plain sentences."""
    learned = _FROM.get(report.method, report.method)
    lines = [f"{report.student} learned from {report.teacher}: from {learned}.", f"{headline(report)}."]
    if report.comparison is not None:
        lines.append(pages.explain(report.comparison))
    for row in report.before:
        lines.append(
            f"As it was given, its {row.metric} was {metric(row.metric, row.optimized)}; the teacher's is "
            f"{metric(row.metric, row.original)}."
        )
    lines.append(fitting.explain(report.training))
    if report.verdict != "improved":
        lines.append("The model to use is the teacher, as it was; the trained student is there all the same.")
    return "\n".join(lines)
