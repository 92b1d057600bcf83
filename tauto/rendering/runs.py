"""The page of a :class:`~tauto.reports.RunsReport`."""

from __future__ import annotations

from tauto.rendering.document import Column, Document, Note, Row, Table, cell
from tauto.rendering.numbers import plural
from tauto.reports import RunRow, RunsReport

__all__ = ["document", "explain", "headline"]

_COLUMNS = (
    Column("Run", number=True),
    Column("When (UTC)", number=True),
    Column("Verb"),
    Column("Model"),
    Column("What came of it"),
)


def headline(report: RunsReport) -> str:
    """Return how many runs there are."""
    if not report.rows:
        return "No runs yet"
    shown = len(report.rows)
    return plural(shown, "run") if shown >= report.total else f"The latest {shown:,} of {plural(report.total, 'run')}"


def document(report: RunsReport) -> Document:
    """Return the page."""
    if not report.rows:
        return Document("Past runs", headline(report), (Note(f"Every verb and magic adds one, in {report.folder}."),))
    table = Table("Past runs, latest first", _COLUMNS, tuple(map(_row, report.rows)), more="runs", limit=60)
    return Document("Past runs", headline(report), (table, Note(f"Kept in {report.folder}")))


def _row(run: RunRow) -> Row:
    when = run.created[:16].replace("T", " ")
    texts = (str(run.id), when, run.verb, run.model, run.headline)
    return Row(tuple(cell(text) for text in texts), weight=run.id)


def explain(report: RunsReport) -> str:
    """Return the runs in plain sentences."""
    lines = [
        f"{run.verb} of {run.model} at {run.created[:16].replace('T', ' ')}: {run.headline}" for run in report.rows
    ]
    return "\n".join([f"{headline(report)}, kept in {report.folder}.", *lines])
