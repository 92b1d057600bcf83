"""What every verb returns: a thin object over a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from tauto import rendering
from tauto.config import front_end
from tauto.errors import InvalidArgument, did_you_mean
from tauto.rendering.document import Document
from tauto.rendering.hints import Hints
from tauto.reports import Report
from tauto.results.tables import csv_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FORMS", "REPORT_MIME", "Result", "write_text"]

REPORT_MIME = "application/vnd.tauto.report+json"
R = TypeVar("R", bound=Report)
FORMS = (".html", ".json", ".md", ".txt")
"""Suffixes of the forms that every report has."""


class Result(Generic[R]):
    """A report that shows itself, and gives its fields as its own (``r.verdict`` is ``r.report.verdict``).

    Parameters
    ----------
    report : Report
        What was found.
    """

    noun: ClassVar[str] = "result"
    _hints: Hints | None = None

    def __init__(self, report: R) -> None:
        self.report = report

    @property
    def hints(self) -> Hints:
        """How lines to run are written when this is shown: as the front end does, unless said otherwise."""
        return self._hints or Hints(front_end().kind)

    @hints.setter
    def hints(self, new: Hints) -> None:
        self._hints = new

    def __getattr__(self, name: str) -> Any:
        report = self.__dict__.get("report")
        fields = getattr(type(report), "__dataclass_fields__", {})
        if name in fields:
            return getattr(report, name)
        if name.startswith("_"):
            raise AttributeError(name)
        known = {entry for entry in dir(self) if not entry.startswith("_")}
        raise AttributeError(f"This {self.noun} has no {name!r}. {did_you_mean(name, known)}".rstrip())

    def __dir__(self) -> list[str]:
        fields = getattr(type(self.report), "__dataclass_fields__", {})
        return sorted({*super().__dir__(), *fields})

    def _page(self) -> Report | Document:
        """Return what is shown: the report, or the document that a kind of result makes of it."""
        return self.report

    def __repr__(self) -> str:
        return rendering.text(self._page())

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """Return the forms in which a notebook shows and keeps this."""
        return {
            "text/plain": rendering.text(self._page()),
            "text/html": rendering.html(self._page()),
            REPORT_MIME: rendering.bounded(self.report),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the whole report as JSON data."""
        return self.report.to_dict()

    def explain(self) -> str:
        """Return what was found in plain sentences."""
        return rendering.explain(self.report)

    def panel(self) -> Any:
        """Return a live panel of this: another object, to look at and to turn in a notebook.

        It comes from the package ``tauto_widgets``, found by the entry points ``tauto.panels``, one for each kind of
        report.

        Raises
        ------
        InvalidArgument
            When no panel shows such a result.
        MissingDependency
            When the panels, or what they need, are not installed.

        Examples
        --------
        >>> tauto.profile(model, inputs).panel()  # doctest: +SKIP
        """
        from tauto.results.panels import panel_of

        return panel_of(self)

    def plot(self) -> Figure:
        """Return a matplotlib figure of what was found.

        Raises
        ------
        MissingDependency
            When matplotlib is not installed.
        """
        from tauto.rendering.figures import figure

        return figure(self.report)

    def save(self, path: str | Path) -> Path:
        """Write a page (``.html``), the data (``.json``), Markdown (``.md``) or text (``.txt``), by the suffix.

        Of searches ``.csv`` writes the trials, one a row; of a decoding its ways, one row for each length.

        Returns
        -------
        Path
            Where it was written.

        Raises
        ------
        InvalidArgument
            When the suffix is none of these, or the file cannot be written.
        """
        return write_text(path, self._written(Path(path).suffix.lower()))

    def _written(self, suffix: str) -> str:
        match suffix:
            case ".html":
                return rendering.page(self._page())
            case ".json":
                return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"
            case ".md":
                return rendering.markdown(self._page())
            case ".txt":
                return rendering.text(self._page()) + "\n"
        if suffix == ".csv" and (rows := self._rows()) is not None:
            return csv_text(rows, list(dict.fromkeys(name for row in rows for name in row)))
        forms = FORMS if self._rows() is None else (*FORMS, ".csv")
        raise InvalidArgument(f"path: {suffix!r} is no form of this {self.noun}. End the name in {', '.join(forms)}.")

    def _rows(self) -> list[dict[str, Any]] | None:
        """Return what a table of this holds; None where there is none for other tools."""
        return None


def write_text(path: str | Path, text: str) -> Path:
    """Write ``text`` to ``path`` and return where that is.

    Raises
    ------
    InvalidArgument
        When the file cannot be written.
    """
    target = Path(path).expanduser()
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidArgument(
            f"path: {str(target)!r} cannot be written ({error.strerror}). Name a file in a folder that exists."
        ) from None
    return target
