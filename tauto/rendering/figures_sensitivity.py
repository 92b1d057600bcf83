"""The figure of what each layer costs when it alone is quantized."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tauto.rendering.document import clean, shortened
from tauto.reports import LayerError, SensitivityReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["LINES", "draw_sensitivity"]

LINES = 40
"""Layers that are drawn: the most harmful."""
_BLUE = "#4c8bd6"
_ORANGE = "#d9622b"


def draw_sensitivity(axes: Axes, report: SensitivityReport) -> None:
    """Draw the signal over noise of the outputs with each layer quantized, the most harmful on top."""
    rows = report.rows[:LINES]
    for values, style, colour, label in (
        ([_snr(row.error) for row in rows], "o", _BLUE, "the model's outputs"),
        ([_snr(row.own) for row in rows], "|", _ORANGE, "the layer's own output"),
    ):
        _draw(axes, values, style, colour, label)
    axes.set_yticks(range(len(rows)), [shortened(clean(row.path), 44).replace("$", r"\$") for row in rows])
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.set_xlabel("signal over noise in dB with this layer alone quantized (to the left is worse)")
    if rows:
        axes.legend(frameon=False, fontsize="small")


def _snr(error: LayerError | None) -> float | None:
    return error.snr_db if error is not None else None


def _draw(axes: Axes, values: Sequence[float | None], style: str, colour: str, label: str) -> None:
    points = [(value, place) for place, value in enumerate(values) if value is not None and math.isfinite(value)]
    axes.plot([value for value, _ in points], [place for _, place in points], style, color=colour, label=label)
