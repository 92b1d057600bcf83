"""What ``tauto.profile`` returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from tauto.errors import InvalidArgument
from tauto.rendering import profile as pages
from tauto.rendering.document import Document
from tauto.rendering.view import Sort, View
from tauto.reports import Finding, ProfileReport, Tried
from tauto.results.profile_comparison import ProfileComparisonResult
from tauto.results.result import Result
from tauto.results.shown import Shown

if TYPE_CHECKING:
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
    ) -> None:
        super().__init__(report)
        self.cell = cell
        self._fix = fix
        self.view = view or View()
        self.before = before

    def _page(self) -> Document:
        if self.before is None:
            return pages.document(self.report, self.view)
        return pages.compared(self.report, self.view, self.against(self.before).report)

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
            raise InvalidArgument(f"against: a {type(other).__name__} is no profile. Give the result of tauto.profile.")
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
