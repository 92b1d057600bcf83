"""What ``tauto.explore`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tauto.errors import InvalidArgument
from tauto.reports import ExplorationReport, ExploredSetting
from tauto.results.result import Result

if TYPE_CHECKING:
    from tauto.recipes import Recipe
    from tauto.tuning.explorer import Explorer

__all__ = ["ExplorationResult"]


class ExplorationResult(Result[ExplorationReport]):
    """A model whose knobs can be turned: ``measure`` one setting, or look and turn in its ``panel()``.

    Parameters
    ----------
    report : ExplorationReport
        What was measured so far.
    explorer : Explorer, optional
        What measures; None for a report of the past.
    """

    noun: ClassVar[str] = "exploration"

    def __init__(self, report: ExplorationReport, explorer: Explorer | None = None) -> None:
        super().__init__(report)
        self.explorer = explorer

    def measure(self, **knobs: Any) -> ExploredSetting:
        """Measure the model with these knobs turned, such as ``engine="openvino", batch=8``; once, then remembered.

        Raises
        ------
        InvalidArgument
            When there is no such knob or value, or this is a report of the past.

        Examples
        --------
        >>> r.measure(precision="bfloat16", batch=8).comparison.speedup  # doctest: +SKIP
        """
        explorer = self._explorer()
        found = explorer.measure(knobs)
        self.report = explorer.report
        return found

    def recipe(self, **knobs: Any) -> Recipe:
        """Return what ``tauto.apply`` takes to make the model of a setting.

        Raises
        ------
        InvalidArgument, RecipeError
            When there is no such setting, or this is a report of the past.
        """
        return self._explorer().recipe(knobs)

    def _explorer(self) -> Explorer:
        if self.explorer is None:
            raise InvalidArgument("measure: this is a report of the past. Write tauto.explore(model, inputs) again.")
        return self.explorer
