"""What ``tauto.profile`` returns."""

from __future__ import annotations

from typing import ClassVar

from tauto.rendering import profile as pages
from tauto.rendering.document import Document
from tauto.rendering.view import Sort, View
from tauto.reports import Finding, ProfileReport
from tauto.results.result import Result
from tauto.results.shown import Shown

__all__ = ["ProfileResult"]


class ProfileResult(Result[ProfileReport]):
    """Where time and memory go.

    Parameters
    ----------
    report : ProfileReport
        What was found.
    view : View, optional
        Which of the modules are shown, and in which order. The report is whole in any case.
    """

    noun: ClassVar[str] = "profile"

    def __init__(self, report: ProfileReport, view: View | None = None) -> None:
        super().__init__(report)
        self.view = view or View()

    def _page(self) -> Document:
        return pages.document(self.report, self.view)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What holds it back: each with its evidence and a line to run."""
        return self.report.findings

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
