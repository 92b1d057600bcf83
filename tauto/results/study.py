"""What ``tauto.tune`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tauto.errors import InvalidArgument
from tauto.reports import StudyReport, StudyTrial
from tauto.results.result import Result
from tauto.results.tables import study_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["StudyResult"]


class StudyResult(Result[StudyReport]):
    """A study of hyperparameters: ``params`` are the best, ``front`` what no other beats, ``plot()`` draws it."""

    noun: ClassVar[str] = "study"

    def _rows(self) -> list[dict[str, Any]]:
        return study_rows(self.report)

    @property
    def best(self) -> StudyTrial | None:
        """The best trial that keeps the constraints; None where there is none, or for several goals."""
        return None if self.report.best is None else self.report.trial(self.report.best)

    @property
    def nearest(self) -> StudyTrial | None:
        """Where no trial keeps the constraints, the one that breaks them least."""
        return None if self.report.nearest is None else self.report.trial(self.report.nearest)

    @property
    def front(self) -> tuple[StudyTrial, ...]:
        """Of several goals, the trials that no other beats in everything."""
        return tuple(self.report.trial(number) for number in self.report.front)

    @property
    def params(self) -> dict[str, Any]:
        """The values of the best trial, as ``tauto.suggest.fixed`` takes them.

        Raises
        ------
        InvalidArgument
            When there is no best one.
        """
        if self.best is None:
            way = "Choose one of its front" if self.report.front else "None came to an end that counts"
            raise InvalidArgument(f"params: this study has no best trial. {way}; result.trials has all.")
        return dict(self.best.params)

    def script(self, trial: int | None = None) -> str:
        """Return plain Python that runs the objective once with the best values, or those of the ``trial`` named.

        Raises
        ------
        InvalidArgument
            When there is no best one, or no such trial.
        """
        params = self.params if trial is None else self.params_of(trial)
        lines = "".join(f"    {name!r}: {value!r},\n" for name, value in params.items())
        call = f"{self.report.subject}()" if self.report.subject.isidentifier() else "...  # the cell's own code"
        return f"import tauto\n\nparams = {{\n{lines}}}\nwith tauto.suggest.fixed(params):\n    print({call})\n"

    def params_of(self, trial: int) -> dict[str, Any]:
        """Return the values of any trial, by its number.

        Raises
        ------
        InvalidArgument
            When there is no such trial.
        """
        found = next((one for one in self.report.trials if one.number == trial), None)
        if found is None or isinstance(trial, bool):
            raise InvalidArgument(f"trial: this study has no {trial!r}. result.trials has all.")
        return dict(found.params)

    def plot(self, what: str | None = None) -> Figure:
        """Return a figure: ``history``, ``importance``, ``coordinates`` or ``front``; default all that there are.

        Raises
        ------
        MissingDependency
            When matplotlib is not installed.
        InvalidArgument
            When there is no such figure, or nothing to draw in it.
        """
        from tauto.rendering.figures import figure

        return figure(self.report, what)
