"""The page of a :class:`~tauto.reports.FittingReport`: what training brought, and which state was kept."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from tauto.rendering.document import Block, Cell, Column, Document, Facts, Mark, Row, Table, cell, clean, numeric
from tauto.rendering.numbers import UNKNOWN, count, metric, number, plural, rate, seconds
from tauto.reports import FitPoint, FittingReport

__all__ = ["document", "explain", "headline"]

Tone: TypeAlias = Literal["good", "neutral", "bad"]

_FAILED = ("not_finite", "diverged", "raised")


def headline(report: FittingReport) -> str:
    """Return what came of it in one line."""
    before, after, failed = report.first_score, report.best_score, report.stopped in _FAILED
    said = f" ({report.metric} {metric(report.metric, after)})" if after is not None else ""
    if report.best_step == 0:
        why = "" if report.stopped == "finished" else f"; {report.reason}"
        tried = f"nothing better in {plural(report.steps, report.unit)}{why}"
        return f"Kept as it was given{said}: {report.reason if failed else tried}"
    took = f"in {plural(report.best_step, report.unit)}"
    change = f"{metric(report.metric, before)} → " if before is not None else ""
    brought = f"{_sentence(report.metric)} {change}{metric(report.metric, after)} {took}"
    if after is None:
        brought = f"Trained by {report.method} {took}, not judged"
    if failed:
        return f"{brought}; rolled back to there: {report.reason}"
    kept = f"; the best of {count(report.steps)} was kept" if report.rolled_back else ""
    return f"{brought}{kept}" if report.stopped == "finished" else f"{brought}{kept}; {report.reason}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def document(report: FittingReport) -> Document:
    """Return the page."""
    blocks: list[Block] = [_points(report), Facts("How", _how(report))]
    failed = report.stopped in _FAILED
    tone: Tone = "bad" if failed and report.best_step == 0 else "good" if report.best_step and not failed else "neutral"
    return Document(f"Training of {report.model}", headline(report), tuple(blocks), tone)


def _points(report: FittingReport) -> Table:
    scores = [abs(point.score) for point in report.points if point.score is not None and math.isfinite(point.score)]
    top = max(scores, default=0.0)
    columns = numeric(_sentence(report.unit), *(("Epoch",) if report.unit == "step" else ()), "Training loss")
    if report.metric != "training loss":
        columns = (*columns, *numeric(clean(_sentence(report.metric), 40)))
    columns = (*columns, Column("Kept"))
    rows = tuple(_row(report, point, top) for point in report.points)
    caption = "Looks at the model while it was trained" if rows else "No look was taken at the model"
    return Table(caption, columns, rows, more="looks", bars_in_text=True)


def _row(report: FittingReport, point: FitPoint, top: float) -> Row:
    best = point.step == report.best_step
    epoch = (cell(count(point.epoch)),) if report.unit == "step" else ()
    cells = [cell(count(point.step)), *epoch, cell(number(point.loss, 4))]
    if report.metric != "training loss":
        drawn = point.score is not None and math.isfinite(point.score) and top > 0 and point.score >= 0
        mark = Mark(point.score, top) if drawn and point.score is not None else None
        cells.append(Cell(metric(report.metric, point.score), mark, strong=best))
    cells.append(cell("best" if best else ""))
    return Row(tuple(cells), weight=math.inf if best else float(point.step))


def _how(report: FittingReport) -> tuple[tuple[str, str], ...]:
    unit, better = report.unit, "higher" if report.higher_is_better else "lower"
    why = "" if report.stopped == "finished" else f"; {report.reason}"
    speed = f", {unit}s at {rate(report.steps_per_s)} between the looks" if report.steps_per_s is not None else ""
    rate_words = f", learning rate {number(report.learning_rate)}" if report.learning_rate is not None else ""
    rows = [
        ("Trained by", f"{report.method}{rate_words}, seed {report.seed}"),
        ("Parameters trained", count(report.trained_parameters)),
        ("Judged by", f"{report.metric} ({better} is better)" if report.best_score is not None else "nothing"),
        ("Taken", f"{count(report.steps)} of {plural(report.planned_steps, unit)}{why}"),
        ("Losses", _first_and_last(report)),
        ("Took", f"{seconds(report.wall_s)}{speed}"),
        ("Machine", f"{report.machine}, {report.device}, {plural(report.threads, 'thread')}"),
    ]
    if report.resumed_at is not None:
        rows.insert(4, ("Taken up", f"from a checkpoint at {unit} {count(report.resumed_at)}"))
    return tuple(rows)


def _first_and_last(report: FittingReport) -> str:
    if not report.losses:
        return UNKNOWN
    each = f" (means over {report.steps_per_loss} steps)" if report.steps_per_loss > 1 else ""
    return f"first {number(report.losses[0], 4)}, last {number(report.losses[-1], 4)}{each}"


def explain(report: FittingReport) -> str:
    """Return what came of it in plain sentences."""
    lines = [
        f"{report.model} was trained by {report.method}, {count(report.steps)} of "
        f"{plural(report.planned_steps, report.unit)} in {seconds(report.wall_s)}: {report.reason}.",
        f"{headline(report)}.",
    ]
    if report.resumed_at is not None:
        lines.append(f"It was taken up from a checkpoint at {report.unit} {count(report.resumed_at)}.")
    if report.rolled_back:
        lines.append(f"What came back is the state of {report.unit} {count(report.best_step)}, not the last.")
    if report.best_score is None:
        lines.append("Nothing measured the states: give evaluate, so that the best can be told.")
    return "\n".join(lines)
