"""The studies of one storage, in brief."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tauto.reports.report import Report

__all__ = ["StudiesReport", "StudyRow"]


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One study in brief."""

    name: str
    subject: str
    goal: str
    trials: int
    """That have ended."""
    best: float | None
    begun: str
    """UTC in ISO 8601; empty when no trial was begun."""


@dataclass(frozen=True, slots=True)
class StudiesReport(Report):
    """The studies of one storage, latest first."""

    kind: ClassVar[str] = "studies"

    storage: str
    """Where they are kept, without a password."""
    rows: tuple[StudyRow, ...]
