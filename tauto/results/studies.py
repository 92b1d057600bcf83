"""What ``tauto.studies`` returns."""

from __future__ import annotations

from typing import ClassVar

from tauto.reports import StudiesReport
from tauto.results.result import Result

__all__ = ["StudiesResult"]


class StudiesResult(Result[StudiesReport]):
    """The studies of one storage, latest first; ``tauto.studies("name")`` shows one."""

    noun: ClassVar[str] = "list of studies"

    def __len__(self) -> int:
        return len(self.report.rows)
