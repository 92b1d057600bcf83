"""What ``tauto.runs`` returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from tauto.errors import InvalidArgument
from tauto.rendering import runs_compared
from tauto.reports import Report, RunsReport
from tauto.results.of import result_of
from tauto.results.result import Result
from tauto.results.shown import Shown

__all__ = ["RunsResult"]


class RunsResult(Result[RunsReport]):
    """Past runs, latest first: ``runs[0]`` is the latest as a result, ``runs.run(12)`` the one of that number.

    Parameters
    ----------
    report : RunsReport
        The runs in brief.
    load : callable
        Returns the whole report of a run from its number, such as :meth:`tauto.store.Store.get`.
    """

    noun: ClassVar[str] = "list of runs"

    def __init__(self, report: RunsReport, load: Callable[[int], Report]) -> None:
        super().__init__(report)
        self._load = load

    def __len__(self) -> int:
        return len(self.report.rows)

    def __iter__(self) -> Iterator[Result[Any]]:
        return (self.run(row.id) for row in self.report.rows)

    def __getitem__(self, index: int) -> Result[Any]:
        rows = self.report.rows
        if not isinstance(index, int):
            raise InvalidArgument(f"index: {index!r} is not a place in the list. Write a number, such as runs[0].")
        if not -len(rows) <= index < len(rows):
            # an IndexError is what ends a for loop or a list() over a sequence
            raise IndexError(f"There are {len(rows)} runs here: the first is runs[0], the last runs[-1].")
        return self.run(rows[index].id)

    def compare(self, first: int, second: int) -> Shown:
        """Return two runs side by side, by their numbers: the figures that both have, and what keeps them apart.

        Raises
        ------
        InvalidArgument
            When there is no such run.

        Examples
        --------
        >>> tauto.runs().compare(11, 12)  # doctest: +SKIP
        """
        found = runs_compared.compared(self._load(first), self._load(second))
        return Shown(runs_compared.document(found, (f"Run {first}", f"Run {second}")))

    def run(self, number: int) -> Result[Any]:
        """Return the run of this number (the first column of the table) as a result."""
        return result_of(self._load(number))
