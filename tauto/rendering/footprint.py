"""The page of a :class:`~tauto.reports.Footprint`."""

from __future__ import annotations

from tauto.rendering.document import Document, Facts
from tauto.rendering.numbers import data_size
from tauto.reports import Footprint

__all__ = ["document", "explain", "headline"]


def headline(report: Footprint) -> str:
    """Return the footprint in one line."""
    return f"{data_size(report.steady_bytes)} held, {data_size(report.peak_bytes)} at the peak of one call"


def document(report: Footprint) -> Document:
    """Return the page."""
    kept = data_size(report.kept_for_backward_bytes)
    rows = (
        ("Held: parameters and buffers", data_size(report.steady_bytes)),
        ("Inputs", data_size(report.input_bytes)),
        ("Activations at the peak", data_size(report.activation_bytes)),
        ("Of these the output", data_size(report.output_bytes)),
        ("Peak of one inference call", data_size(report.peak_bytes)),
        ("Kept for a backward pass", f"{kept} ({report.reason})" if report.reason else kept),
    )
    return Document(f"Memory of {report.name}", headline(report), (Facts("Allocated by torch", rows),))


def explain(report: Footprint) -> str:
    """Return the footprint in plain sentences."""
    kept = report.kept_for_backward_bytes
    more = f" A call in training keeps {data_size(kept)} for its backward pass." if kept is not None else ""
    return f"{report.name} has {headline(report)}: {data_size(report.activation_bytes)} of activations.{more}"
