"""What ``tauto.autotune``, ``tauto.quantize`` and ``tauto.apply`` return."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from tauto import rendering
from tauto.errors import InvalidArgument
from tauto.rendering import tuning as pages
from tauto.rendering.document import Document
from tauto.reports import TrialReport, TuningReport
from tauto.results.front import Point, pareto_front
from tauto.results.result import Result

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
    """

    noun: ClassVar[str] = "tuning result"

    def __init__(self, report: TuningReport, model: nn.Module | None = None) -> None:
        super().__init__(report)
        self._model = model

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
    def nearest(self) -> TrialReport | None:
        """The trial that came nearest to what was asked, where none kept to all of it; else None."""
        return next((trial for trial in self.report.trials if trial.number == self.report.nearest), None)

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

    def script(self) -> str:
        """Return the plain Python file that makes the same model; a comment when the original was kept."""
        if self.recipe is None:
            return f"# {rendering.headline(self.report)}\n# There is nothing to do again: use the model as it is.\n"
        from tauto.recipes.script import script_of

        return script_of(self.recipe)
