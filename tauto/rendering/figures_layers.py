"""The figure of errors by layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tauto.rendering.document import clean, shortened
from tauto.rendering.layers import layer_name, part, size
from tauto.reports import LayerError, LayerRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["LINES", "draw_layers"]

LINES = 40
"""Rows of names; of more layers only every second, third … is named."""
_BLUE = "#4c8bd6"
_ORANGE = "#d9622b"


def draw_layers(axes: Axes, rows: Sequence[LayerRow], output: LayerError | None = None) -> None:
    """Draw the relative error of each layer, and what the layer adds itself, from the first layer down to the last."""
    names = [*map(layer_name, rows), *(["outputs"] if output is not None else [])]
    whole = [*(size(row.error) for row in rows), size(output)]
    drawn = [
        *_draw(axes, whole, "o-", _BLUE, "error of its output"),
        *_draw(axes, [size(row.own) for row in rows], "D", _ORANGE, "added by the layer itself"),
    ]
    step = max(-(-len(names) // LINES), 1)
    places = range(0, len(names), step)
    axes.set_yticks(places, [shortened(clean(names[place]), 44).replace("$", r"\$") for place in places])
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.set_xlabel("relative error (layers without a mark have none)")
    if drawn:
        _scale(axes, min(drawn), max(drawn))
        axes.legend(frameon=False, fontsize="small")


def _draw(axes: Axes, values: Sequence[float | None], style: str, colour: str, label: str) -> list[float]:
    # no error has no place on a logarithmic scale
    points = [(value, place) for place, value in enumerate(values) if value and math.isfinite(value)]
    if points:
        axes.plot(*zip(*points, strict=True), style, color=colour, label=label, markersize=5, linewidth=1)
    return [value for value, _ in points]


def _scale(axes: Axes, low: float, high: float) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: part(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
