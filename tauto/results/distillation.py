"""What ``tauto.distill`` returns for a student of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tauto.errors import InvalidArgument
from tauto.rendering import distillation as pages
from tauto.rendering.document import Document
from tauto.reports import DistillationReport
from tauto.results.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

__all__ = ["DistillationResult"]


class DistillationResult(Result[DistillationReport]):
    """A taught student beside its teacher.

    Parameters
    ----------
    report : DistillationReport
        What came of it.
    model, student : torch.nn.Module or None
        The one to use, and the trained student. None only for a run that was read back from the store.
    """

    noun: ClassVar[str] = "distillation"

    def __init__(
        self, report: DistillationReport, model: nn.Module | None = None, student: nn.Module | None = None
    ) -> None:
        super().__init__(report)
        self._model, self._student = model, student

    def _page(self) -> Document:
        return pages.document(self.report, self.hints)

    def plot(self, what: str | None = None) -> Figure:
        """Return a matplotlib figure of the training and of the student's weights before and after, or of one.

        Parameters
        ----------
        what : {"training", "weights"}, optional
            The loss and scores by step; histograms of the largest weights, as given and as taught.

        Raises
        ------
        InvalidArgument
            When there is no such figure.
        MissingDependency
            When matplotlib is not installed.
        """
        from tauto.rendering.figures import figure

        return figure(self.report, what)

    @property
    def model(self) -> nn.Module:
        """The model to use: the trained student where it is better and as good, else the teacher."""
        return _kept(self._model)

    @property
    def student(self) -> nn.Module:
        """The trained student, whatever came of the comparison."""
        return _kept(self._student)


def _kept(model: nn.Module | None) -> nn.Module:
    if model is None:
        raise InvalidArgument("model: this is a past run, and the store keeps no weights. Call tauto.distill again.")
    return model
