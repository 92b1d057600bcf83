"""Past runs, as the store lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tauto.reports.report import Report

__all__ = ["RunRow", "RunsReport"]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One past run in brief; ``created`` is UTC in ISO 8601, the other fields are empty where they say nothing."""

    id: int
    created: str
    verb: str
    model: str
    headline: str
    verdict: str
    fingerprint: str
    machine: str


@dataclass(frozen=True, slots=True)
class RunsReport(Report):
    """Past runs, latest first, out of ``total`` that match; ``folder`` is the store's."""

    kind: ClassVar[str] = "runs"

    folder: str
    rows: tuple[RunRow, ...]
    total: int
