"""The page of a :class:`~tauto.reports.StudiesReport`."""

from __future__ import annotations

from tauto.rendering.document import Column, Document, Note, Row, Table, cell
from tauto.rendering.numbers import UNKNOWN, number, plural
from tauto.reports import StudiesReport, StudyRow

__all__ = ["document", "explain", "headline"]

_COLUMNS = (
    Column("Study"),
    Column("Of"),
    Column("To"),
    Column("Trials", number=True),
    Column("Best", number=True),
    Column("Begun (UTC)", number=True),
)


def headline(report: StudiesReport) -> str:
    """Return how many studies there are."""
    count = len(report.rows)
    if not count:
        return "No studies yet"
    return f"{count:,} {'study' if count == 1 else 'studies'}"


def document(report: StudiesReport) -> Document:
    """Return the page."""
    if not report.rows:
        return Document("Studies", headline(report), (Note(f"tauto.tune(…) begins one, in {report.storage}."),))
    rows = tuple(_row(one, len(report.rows) - place) for place, one in enumerate(report.rows))
    table = Table("Studies, latest first", _COLUMNS, rows, more="studies", limit=60)
    return Document("Studies", headline(report), (table, Note(f"Kept in {report.storage}")))


def _row(one: StudyRow, weight: int) -> Row:
    best = UNKNOWN if one.best is None else number(one.best, 4)
    when = one.begun[:16].replace("T", " ") or UNKNOWN
    texts = (one.name, one.subject or UNKNOWN, one.goal, f"{one.trials:,}", best, when)
    return Row(tuple(cell(text) for text in texts), weight=weight)


def explain(report: StudiesReport) -> str:
    """Return the studies in plain sentences."""
    lines = [f"{one.name}: {plural(one.trials, 'trial')} to {one.goal}." for one in report.rows]
    return "\n".join([f"{headline(report)}, kept in {report.storage}.", *lines])
