"""Which page belongs to which report, in every form."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Literal, TypeAlias

from tauto.errors import InvalidArgument, did_you_mean
from tauto.rendering import (
    comparison,
    decoding,
    distillation,
    exploration,
    fitting,
    fix,
    footprint,
    hypertext,
    layers,
    machine,
    markup,
    measurement,
    plain,
    profile,
    profile_comparison,
    runs,
    scaling,
    sensitivity,
    studies,
    study,
    summary,
    tuning,
    weights,
)
from tauto.rendering.document import Document, clean
from tauto.reports import Report

__all__ = ["Form", "explain", "headline", "html", "markdown", "page", "render", "text"]

Form: TypeAlias = Literal["text", "html", "markdown"]

_PAGES: dict[str, ModuleType] = {
    "comparison": comparison,
    "decoding": decoding,
    "distillation": distillation,
    "exploration": exploration,
    "fitting": fitting,
    "fix": fix,
    "footprint": footprint,
    "layers": layers,
    "machine": machine,
    "measurement": measurement,
    "profile": profile,
    "profile_comparison": profile_comparison,
    "runs": runs,
    "scaling": scaling,
    "sensitivity": sensitivity,
    "studies": studies,
    "study": study,
    "summary": summary,
    "tuning": tuning,
    "weights": weights,
}


def _document(report: Report | Document) -> Document:
    if isinstance(report, Document):
        return report
    made: Document = _page_of(report).document(report)
    return made


def _page_of(report: Report) -> ModuleType:
    kind = getattr(report, "kind", None)
    if kind not in _PAGES:
        raise InvalidArgument(f"report: {type(report).__name__} has no page. There is: {', '.join(_PAGES)}.")
    return _PAGES[kind]


def text(report: Report | Document) -> str:
    """Return ``report`` as text for a terminal, at most 100 columns wide."""
    return plain.plain(_document(report))


def html(report: Report | Document) -> str:
    """Return ``report`` as a self-contained HTML fragment under 100 kB."""
    return hypertext.hypertext(_document(report))


def page(*reports: Report | Document) -> str:
    """Return ``reports``, one below the other, as a whole HTML page, under 100 kB for each."""
    return hypertext.standalone(*map(_document, reports))


def markdown(report: Report | Document) -> str:
    """Return ``report`` as GitHub-flavoured Markdown."""
    return markup.markdown(_document(report))


_FORMS: dict[str, Callable[[Report], str]] = {"text": text, "html": html, "markdown": markdown}


def render(report: Report, form: Form) -> str:
    """Return ``report`` in the ``form`` named.

    Raises
    ------
    InvalidArgument
        When there is no such form, or the report has no page.
    """
    if form not in _FORMS:
        raise InvalidArgument(f"form: {form!r} is not a form of a report. {did_you_mean(str(form), _FORMS)}")
    return _FORMS[form](report)


def headline(report: Report) -> str:
    """Return what came of it in one line."""
    line: str = _page_of(report).headline(report)
    return clean(line)


def explain(report: Report) -> str:
    """Return what came of it in plain sentences."""
    sentences: str = _page_of(report).explain(report)
    return "\n".join(clean(line, 2000) for line in sentences.splitlines())
