"""What ``tauto.autotune``, ``tauto.quantize`` and ``tauto.apply`` return."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from tauto import rendering
from tauto.errors import InvalidArgument
from tauto.rendering import tuning as pages
from tauto.rendering.document import Document
from tauto.reports import TrialReport, TuningReport
from tauto.results.front import ORIGINAL, Point, pareto_front
from tauto.results.result import Result
from tauto.results.tables import tuning_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

    from tauto.recipes import Recipe

__all__ = ["TuningResult"]


class TuningResult(Result[TuningReport]):
    """A search over recipes: the model to use, the measured proof and the recipe to do it again.

    Parameters
    ----------
    report : TuningReport
        Every trial, and what came of it.
    model : torch.nn.Module or None
        The model to use: the optimized one, or the user's original where that was kept. None only for a run
        that was read back from the store, which keeps no weights.
    again : callable, optional
        What applies a recipe to the same model within a budget; None for a run of the past.
    """

    noun: ClassVar[str] = "tuning result"

    def __init__(
        self,
        report: TuningReport,
        model: nn.Module | None = None,
        again: Callable[[Recipe, str | float], TuningResult] | None = None,
    ) -> None:
        super().__init__(report)
        self._model = model
        self._again = again

    def _rows(self) -> list[dict[str, Any]]:
        return tuning_rows(self.report)

    def _page(self) -> Document:
        return pages.document(self.report, self.hints)

    @property
    def model(self) -> nn.Module:
        """The model to use, ready to call.

        Raises
        ------
        InvalidArgument
            When this is a past run: the store keeps the recipe, not the weights.
        """
        if self._model is None:
            way = (
                "Apply its recipe: tauto.apply(r.recipe, model, inputs=…)."
                if self.report.winner is not None
                else "The original was kept: use your own model."
            )
            raise InvalidArgument(f"model: this is a past run, and the store keeps no weights. {way}")
        return self._model

    @property
    def has_model(self) -> bool:
        """Whether :attr:`model` is at hand: the store keeps no weights."""
        return self._model is not None

    @cached_property
    def recipe(self) -> Recipe | None:
        """The recipe of the optimized model; None when the original was kept."""
        from tauto.recipes import Recipe

        winner = next((trial for trial in self.report.trials if trial.number == self.report.winner), None)
        return Recipe.from_report(winner.recipe) if winner else None

    @property
    def front(self) -> tuple[Point, ...]:
        """What no other measured way beats in latency, size, memory and quality at once, the original among them."""
        return pareto_front(self.report)

    @property
    def nearest(self) -> TrialReport | Point | None:
        """What came nearest to what was asked, where nothing kept to all of it; else None.

        A trial; or the original, as the :class:`Point` that stands for it in :attr:`front`.
        """
        if self.report.original_nearest:
            return ORIGINAL
        return next((trial for trial in self.report.trials if trial.number == self.report.nearest), None)

    def apply(self, trial: int | TrialReport | Point, *, budget: str | float = "10min") -> TuningResult:
        """Prepare and measure another trial of this search, and return it with its model, as :func:`tauto.apply` does.

        Parameters
        ----------
        trial : int, TrialReport or Point
            One of :attr:`trials` or its number, or a point of :attr:`front`.
        budget : str or float
            Time that it may take.

        Raises
        ------
        InvalidArgument
            When there is no such trial, it is the original, or this is a past run.

        Examples
        --------
        >>> small = min(r.front, key=lambda point: point.size_ratio)  # doctest: +SKIP
        >>> r.apply(small).model  # doctest: +SKIP
        """
        recipe, number = self.recipe_of(trial)
        if self._again is None:
            raise InvalidArgument(
                "apply: this is a past run, without its model. Write: "
                f"tauto.apply(tauto.Recipe.from_report(r.trials[{number}].recipe), model, inputs=…)."
            )
        return self._again(recipe, budget)

    def recipe_of(self, trial: int | TrialReport | Point) -> tuple[Recipe, int]:
        """Return the recipe of another trial of this search, and its number.

        Raises
        ------
        InvalidArgument
            When there is no such trial, or it is the original.
        """
        from tauto.recipes import Recipe

        number = trial if isinstance(trial, int) else getattr(trial, "number", trial)
        if isinstance(trial, Point) and number is None:
            raise InvalidArgument("trial: this point is the original. Use your own model as it is.")
        found = next((one for one in self.report.trials if one.number == number), None)
        if found is None or isinstance(trial, bool):
            last = len(self.report.trials) - 1
            known = f"Write a number from 0 to {last}." if last >= 0 else "This search tried nothing."
            raise InvalidArgument(f"trial: there is no {number!r}. {known}")
        return Recipe.from_report(found.recipe), found.number

    def plot(self, what: str | None = None) -> Figure:
        """Return a matplotlib figure of all that there is to draw, one below the other, or of one thing.

        Parameters
        ----------
        what : {"trials", "layers", "weights", "zeros", "channels"}, optional
            Speedups of the trials; the size of each of the winner's layers before and after, with what it is kept in;
            histograms of the largest weights before and after; where these are zero; which channels or heads stayed.

        Raises
        ------
        InvalidArgument
            When there is no such figure, or nothing to draw in it, as of the weights in an engine's own files.
        MissingDependency
            When matplotlib is not installed.
        """
        from tauto.rendering.figures import figure

        return figure(self.report, what)

    def script(self, trial: int | TrialReport | Point | None = None) -> str:
        """Return the plain Python file that makes the same model; a comment when the original was kept.

        Parameters
        ----------
        trial : int, TrialReport or Point, optional
            Another one than the winner.

        Raises
        ------
        InvalidArgument
            When there is no such trial.
        """
        recipe = self.recipe if trial is None else self.recipe_of(trial)[0]
        if recipe is None:
            return f"# {rendering.headline(self.report)}\n# There is nothing to do again: use the model as it is.\n"
        from tauto.recipes.script import script_of

        return script_of(recipe)
