"""The figure of how fast text is made, by its length."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tauto.rendering.document import clean
from tauto.reports import DecodingReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_decoding"]

_COLOURS = {"none": "#8a8f98", "dynamic": "#4c8bd6", "static": "#d9622b"}
_STYLES = ("-", "--", ":", "-.")
_MARKS = {"float32": "o", "bfloat16": "s", "float16": "D", "int8_weights": "^", "int8_dynamic": "v"}


def draw_decoding(axes: Axes, report: DecodingReport) -> None:
    """Draw tokens a second over new tokens, both on a logarithmic axis; hollow points are estimates."""
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    drawn = [row for row in report.rows if row.lengths and row.status != "failed"]
    for row in drawn:
        points = [one for one in row.lengths if math.isfinite(one.tokens_per_s) and one.tokens_per_s > 0]
        if not points:
            continue
        colour = _COLOURS[row.cache]
        label = clean(row.name, 44) + {"original": " (original)", "rejected": " (other tokens)"}.get(row.status, "")
        axes.plot(
            [one.tokens for one in points],
            [one.tokens_per_s for one in points],
            linestyle=_STYLES[row.compiled] if row.precision == "float32" else _STYLES[2 + row.compiled],
            marker=_MARKS.get(row.precision, "o"),
            color=colour,
            linewidth=2.5 if row.key == report.winner else 1.2,
            label=label.replace("$", r"\$"),
        )
        hollow = [one for one in points if one.estimated]
        axes.plot(
            [one.tokens for one in hollow],
            [one.tokens_per_s for one in hollow],
            "o",
            markerfacecolor="white",
            markeredgecolor=colour,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(report.wanted, [str(length) for length in report.wanted])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_xlabel("new tokens (hollow: estimated)")
    axes.set_ylabel("tokens a second")
    if drawn:
        axes.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
