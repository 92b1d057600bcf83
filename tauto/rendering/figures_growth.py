"""Figures of weights (their histograms) and of scaling (time, memory and throughput against size)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tauto.rendering.document import clean
from tauto.reports import ScalePoint, ScalingReport, WeightRow, WeightsReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

__all__ = ["HISTOGRAMS", "draw_histogram", "draw_scaling", "largest_weights"]

HISTOGRAMS = 12
_COLOURS = ("#4c8bd6", "#d9622b", "#2e9e5b")


def largest_weights(report: WeightsReport) -> list[WeightRow]:
    """Return the parameters that are drawn: the largest matrices, in order of the model."""
    rows = [row for row in report.rows if len(row.shape) >= 2] or list(report.rows)
    kept = {row.name for row in sorted(rows, key=lambda row: -row.elements)[:HISTOGRAMS]}
    return [row for row in rows if row.name in kept]


def draw_histogram(axes: Axes, row: WeightRow) -> None:
    """Draw how the values of one parameter lie, on a logarithmic scale of counts so that outliers show."""
    width = (row.high - row.low) / max(len(row.histogram), 1) or 1.0
    places = [row.low + (index + 0.5) * width for index in range(len(row.histogram))]
    axes.bar(places, row.histogram, width=width, color=_COLOURS[0])
    if any(row.histogram):
        axes.set_yscale("log")
    axes.set_title(clean(row.name, 34).replace("$", r"\$"), loc="left", fontsize="small")
    axes.tick_params(labelsize="x-small")
    axes.spines[["top", "right"]].set_visible(False)


_DRAWN: tuple[tuple[str, Callable[[ScalePoint], float | None]], ...] = (
    ("time of a call, ms", lambda point: point.latency.p50_ms),
    ("memory of a call, MB", lambda point: None if point.peak_bytes is None else point.peak_bytes / 1e6),
    ("{unit} a second", lambda point: point.latency.throughput_per_s),
)


def draw_scaling(panels: list[Axes], report: ScalingReport) -> None:
    """Draw time, memory and throughput against size, both on logarithmic scales, into three panels."""
    for axes, (label, value) in zip(panels, _DRAWN, strict=True):
        for colour, one in zip(_COLOURS, report.series, strict=False):
            drawn = [(point.size, found) for point in one.points if (found := value(point))]
            if drawn:
                axes.plot(*zip(*drawn, strict=True), "o-", color=colour, label=one.name or None)
        if axes.lines:
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
        axes.set_xlabel(clean(report.dimension, 30).replace("$", r"\$"))
        axes.set_ylabel(label.format(unit=clean(report.unit, 20)))
        axes.spines[["top", "right"]].set_visible(False)
    if len(report.series) > 1:
        panels[0].legend(frameon=False, fontsize="small")
