"""The figure of a training: its losses, and what was measured on the way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tauto.rendering.document import clean
from tauto.reports import FittingReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_fitting"]

_BLUE, _ORANGE, _GREY = "#4c8bd6", "#d9622b", "#8a8f98"


def draw_fitting(axes: Axes, report: FittingReport) -> None:
    """Draw losses over steps, scores on an axis of their own, and a line where the best state was."""
    every = report.steps_per_loss
    losses = [(every * (place + 1), loss) for place, loss in enumerate(report.losses) if math.isfinite(loss)]
    scores = [(point.step, point.score) for point in report.points if point.score is not None]
    if losses:
        axes.plot(*zip(*losses, strict=True), color=_BLUE, label="training loss")
    axes.set_ylabel("training loss")
    axes.set_xlabel(report.unit)
    axes.axvline(report.best_step, color=_GREY, linestyle="--", label="kept")
    drawn, names = axes.get_legend_handles_labels()
    if scores and report.metric != "training loss":
        beside = axes.twinx()
        name = clean(report.metric, 30).replace("$", r"\$")
        beside.plot(*zip(*scores, strict=True), "o-", color=_ORANGE, label=name)
        beside.set_ylabel(name)
        beside.spines[["top"]].set_visible(False)
        its_own, its_names = beside.get_legend_handles_labels()
        drawn, names = drawn + its_own, names + its_names
    axes.legend(drawn, names, frameon=False, fontsize="small")
