"""What ``tauto.profile`` returns."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tauto.errors import InvalidArgument, a_kind
from tauto.rendering import profile as pages
from tauto.rendering.document import Document, clean
from tauto.rendering.hints import Hints
from tauto.rendering.view import Sort, View
from tauto.reports import Finding, ProfileReport, Tried
from tauto.results.profile_comparison import ProfileComparisonResult
from tauto.results.result import Result, write_text
from tauto.results.rows import csv_of, dataframe, rows_of
from tauto.results.shown import Shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from tauto.profiling.spans import Spans
    from tauto.workload.cell import Cell

__all__ = ["ProfileResult"]


class ProfileResult(Result[ProfileReport]):
    """Where time and memory go.

    Parameters
    ----------
    report : ProfileReport
        What was found.
    cell : Cell, optional
        The code that was profiled; None for a report of the past.
    fix : callable, optional
        What tries a finding: :func:`tauto.fix`, which lives above this room.
    view : View, optional
        Which of the modules are shown, and in which order. The report is whole in any case.
    before : ProfileReport, optional
        An earlier profile that this one is set against.
    spans : Spans, optional
        What ran when in the traced steps; None for a report of the past.
    """

    noun: ClassVar[str] = "profile"

    def __init__(
        self,
        report: ProfileReport,
        cell: Cell | None = None,
        fix: Callable[..., Any] | None = None,
        *,
        view: View | None = None,
        before: ProfileReport | None = None,
        spans: Spans | None = None,
    ) -> None:
        super().__init__(report)
        self.cell = cell
        self._fix = fix
        self.view = view or View()
        self.before = before
        self._spans = spans

    def _page(self) -> Document:
        hints = self._own_hints()
        if self.before is None:
            return pages.document(self.report, self.view, hints)
        return pages.compared(self.report, self.view, self.against(self.before).report, hints)

    def _own_hints(self) -> Hints:
        return replace(self.hints, runs_again=self.cell is not None and bool(self.cell.source))

    def explain(self) -> str:
        """Return what was found in plain sentences, with what to try."""
        sentences = pages.explain(self.report, self._own_hints())
        return "\n".join(clean(line, 2000) for line in sentences.splitlines())

    def against(self, other: ProfileResult | ProfileReport) -> ProfileComparisonResult:
        """Return what moved from the ``other``, earlier profile to this one, by phase and by module.

        Raises
        ------
        InvalidArgument
            When ``other`` is no profile.
        """
        from tauto.profiling.changes import compare_profiles

        before = other.report if isinstance(other, ProfileResult) else other
        if not isinstance(before, ProfileReport):
            raise InvalidArgument(f"against: {a_kind(other)} is no profile. Give the result of tauto.profile.")
        return ProfileComparisonResult(compare_profiles(before, self.report))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What holds it back: each with its evidence and a line to run."""
        return self.report.findings

    def apply(
        self,
        finding: Finding | str | int,
        *,
        step: Callable[[], Any] | None = None,
        budget: str | float | None = None,
    ) -> Any:
        """Do what ``finding`` proposes in isolation, and measure what it brings; see :func:`tauto.fix`.

        Parameters
        ----------
        finding : Finding, str or int
            A finding of this profile, its rule's name, or its number, from 1.
        step : callable, optional
            For the profile of a ``with`` block: a function without arguments that runs the loop, or one step of it.
        budget : str or float, optional
            Time that it may take.

        Raises
        ------
        InvalidArgument
            When there is no such finding, or there is no code to run, as in a profile of the past.
        """
        if self._fix is None:
            raise InvalidArgument(
                "profile: this is a past profile, with no code to run. Profile it again, then fix that."
            )
        return self._fix(finding, self, step=step, budget=budget)

    def note_tried(self, finding: Finding, tried: Tried) -> None:
        """Show beside ``finding`` what was measured of its fix."""
        key = (finding.rule, finding.title)
        findings = tuple(
            replace(one, tried=tried) if (one.rule, one.title) == key else one for one in self.report.findings
        )
        self.report = replace(self.report, findings=findings)

    def plot(self, what: str | None = None) -> Figure:
        """Return a matplotlib figure of all that there are figures for, or of one thing.

        Parameters
        ----------
        what : {"modules", "phases", "memory", "roofline"}, optional
            Time by module, the phases of the cell, memory over time, or every module under the measured ceilings.

        Raises
        ------
        InvalidArgument
            When there is no such panel, or this profile has no figures for it.
        MissingDependency
            When matplotlib is not installed.
        """
        from tauto.rendering.figures import figure

        return figure(self.report, what)

    def export_trace(self, path: str | Path) -> Path:
        """Write what ran when in the traced steps as a Chrome trace, for Perfetto or chrome://tracing.

        Returns
        -------
        Path
            Where it was written; :meth:`save` does the same for a name that ends in ``.trace.json``.

        Raises
        ------
        InvalidArgument
            When this is a profile of the past, which keeps no trace, or the file cannot be written.
        """
        if self._spans is None:
            raise InvalidArgument(
                "profile: this is a past profile, and a trace is kept only with a new one. Profile again."
            )
        from tauto.profiling.spans import chrome_trace

        return write_text(path, json.dumps(chrome_trace(self._spans, self.report.subject)) + "\n")

    def to_dataframe(self, rows: str = "modules") -> DataFrame:
        """Return rows of the report as a pandas DataFrame.

        Parameters
        ----------
        rows : str
            Which: modules, operators, phases, lines, findings, roots, ceilings, or memory (one row a moment).

        Raises
        ------
        InvalidArgument
            When the report has no such rows.
        MissingDependency
            When pandas is not installed.

        Examples
        --------
        >>> result.to_dataframe("operators").nlargest(5, "self_ms")  # doctest: +SKIP
        """
        return dataframe(self.report, rows)

    def save(self, path: str | Path) -> Path:
        """Write a page, data, Markdown or text by the suffix (see :meth:`Result.save`), and two more.

        ``.csv`` are the modules, one a row; ``.trace.json`` is :meth:`export_trace`.
        """
        if str(path).lower().endswith(".trace.json"):
            return self.export_trace(path)
        return super().save(path)

    def _rows(self) -> list[dict[str, Any]]:
        return rows_of(self.report, "modules")

    def _written(self, suffix: str) -> str:
        return csv_of(self.report) if suffix == ".csv" else super()._written(suffix)

    def table(self, sort: Sort = "tree", depth: int | None = None, fold: bool = True) -> Shown:
        """Return the table of modules by itself.

        Parameters
        ----------
        sort : {"tree", "total", "self", "flops", "memory", "calls"}
            The order: that of the model, or the largest first.
        depth : int, optional
            How many levels below the root are shown; default all.
        fold : bool
            Whether three or more alike blocks in turn stand in one row, as sums.

        Raises
        ------
        InvalidArgument
            When ``sort`` is none of these, or ``depth`` no number of levels.

        Examples
        --------
        >>> result.table(sort="self", depth=2)  # doctest: +SKIP
        """
        return Shown(pages.table(self.report, View(sort, depth, fold)))
