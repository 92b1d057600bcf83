"""Figures of a search: its trials, and what became of the model's layers, weights and channels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tauto.errors import InvalidArgument, did_you_mean
from tauto.rendering.document import clean
from tauto.rendering.figures_model_layers import draw_model_layers, sized
from tauto.rendering.figures_weights import CHANNEL_LINES, draw_before_after, draw_channels, draw_zeros
from tauto.reports import ChannelMap, Comparison, TrialReport, TuningReport, WeightPicture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PANELS", "draw_panels", "draw_trials", "draw_weights", "panels_of", "parts_of", "weights_height"]

PANELS = ("trials", "layers", "weights", "zeros", "channels")
TRIALS = 20
COLUMNS = 3
"""Histograms side by side."""
SPARSE = 3
"""Layers of which zeros are drawn: the largest."""
_BLUE = "#4c8bd6"
_GREY = "#8a8f98"


def panels_of(report: TuningReport, what: str | None) -> list[str]:
    """Return the panels to draw: the one that was asked for, or all for which there are figures; trials always.

    Raises
    ------
    InvalidArgument
        When there is no such panel, or nothing to draw in it.
    """
    there = {
        "trials": True,
        "layers": bool(sized(report.layers)),
        "weights": bool(report.pictures),
        "zeros": bool(sparse(report)),
        "channels": bool(drawn_maps(report)),
    }
    if what is None:
        return [name for name in PANELS if there[name]]
    if what not in PANELS:
        raise InvalidArgument(f"what: there is no figure of {what!r}. {did_you_mean(str(what), PANELS)}")
    if not there[what]:
        raise InvalidArgument(f"what: {_WITHOUT[what]}{_because(report)}. Leave it out for what there is.")
    return [what]


_WITHOUT = {
    "layers": "the sizes of layers are not known",
    "weights": "there are no weights to draw before and after",
    "zeros": "no weights at zero are known of",
    "channels": "no channels or heads were cut out",
}


def _because(report: TuningReport) -> str:
    if report.winner is None:
        return ": the original was kept"
    reason = next((layer.reason for layer in report.layers if layer.reason and layer.optimized_bytes is None), "")
    return f": {clean(reason)}" if reason else ""


def sparse(report: TuningReport) -> list[WeightPicture]:
    """Return the largest weights of which a pattern of zeros is known."""
    found = [one for one in report.pictures if one.corner and any(one.corner)]
    return sorted(found, key=lambda one: -math.prod(one.shape_after))[:SPARSE]


def drawn_maps(report: TuningReport) -> Sequence[ChannelMap]:
    """Return the maps that are drawn, in order of the model."""
    return [one for one in report.channels if any(one.rows)][:CHANNEL_LINES]


def parts_of(figure: Figure, heights: Sequence[float]) -> Sequence[Any]:
    """Return the parts of a figure one below the other, of these heights; of one part it is the figure itself."""
    if len(heights) == 1:
        return [figure]
    return list(figure.subfigures(len(heights), 1, height_ratios=list(heights), squeeze=False)[:, 0])


def draw_panels(make: Callable[[float], Figure], report: TuningReport, panels: Sequence[str], headline: str) -> Figure:
    """Return a figure with a part for each of ``panels``, one below the other.

    ``make`` returns an empty figure of a height in inches.
    """
    heights = [_height(report, name) for name in panels]
    figure = make(sum(heights))
    for place, (part, name) in enumerate(zip(parts_of(figure, heights), panels, strict=True)):
        _DRAWERS[name](part, report, "" if place else headline)
    return figure


def _height(report: TuningReport, panel: str) -> float:
    if panel == "weights":
        return weights_height(report.pictures)
    if panel == "zeros":
        return 0.5 + 2.4 * len(sparse(report))
    lines = {
        "trials": len(_compared(report)),
        "layers": len(sized(report.layers)),
        "channels": len(drawn_maps(report)),
    }
    return 1.4 + 0.32 * max(lines[panel], 3)


def weights_height(pictures: Sequence[WeightPicture]) -> float:
    """Return the height in inches that the histograms of ``pictures`` take."""
    return 0.5 + 2.1 * -(-len(pictures) // COLUMNS)


def _titled(part: Any, lead: str, title: str) -> None:
    part.suptitle(f"{lead}\n{title}" if lead else title, x=0.01, ha="left", fontsize="medium")


def _axes(part: Any, lead: str, title: str) -> Axes:
    axes: Axes = part.add_subplot()
    axes.set_title(lead or title, loc="left", fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _compared(report: TuningReport) -> list[tuple[TrialReport, Comparison]]:
    found = [(trial, trial.comparison) for trial in report.trials if trial.comparison]
    found = [(trial, made) for trial, made in found if math.isfinite(made.speedup)]
    return sorted(found, key=lambda pair: -pair[1].speedup)[:TRIALS]


def draw_trials(axes: Axes, report: TuningReport) -> None:
    """Draw the speedup of each trial with its interval, the fastest on top."""
    compared = _compared(report)
    for place, (trial, found) in enumerate(compared):
        low, high = found.speedup_interval.low, found.speedup_interval.high
        won = trial.number == report.winner
        axes.plot([low, high], [place, place], color=_BLUE, linewidth=3, solid_capstyle="butt")
        axes.plot(found.speedup, place, "D" if won else "o", color=_BLUE)
    labels = [f"{'kept: ' if trial.number == report.winner else ''}{trial.recipe.title}" for trial, _ in compared]
    axes.axvline(1, color=_GREY, linestyle="--")
    axes.set_yticks(range(len(compared)), [clean(label, 44).replace("$", r"\$") for label in labels])
    axes.invert_yaxis()
    axes.set_xlabel("speedup with its 95 % interval (dashed: the original)")


def _trials(part: Any, report: TuningReport, lead: str) -> None:
    draw_trials(_axes(part, lead, "Trials"), report)


def _layers(part: Any, report: TuningReport, lead: str) -> None:
    draw_model_layers(_axes(part, lead, "Size by layer, before and after"), sized(report.layers))


def _channels(part: Any, report: TuningReport, lead: str) -> None:
    axes = _axes(part, lead, "What stayed of each layer")
    axes.spines[:].set_visible(False)
    draw_channels(axes, drawn_maps(report))


def draw_weights(part: Any, pictures: Sequence[WeightPicture], lead: str) -> None:
    """Draw the histograms of ``pictures`` side by side into a part of a figure."""
    _titled(part, lead, "Weights before (grey) and after (blue line), zeros aside: counts by value")
    lines = -(-len(pictures) // COLUMNS)
    for index, one in enumerate(pictures, start=1):
        draw_before_after(part.add_subplot(lines, COLUMNS, index), one)


def _weights(part: Any, report: TuningReport, lead: str) -> None:
    draw_weights(part, report.pictures, lead)


def _zeros(part: Any, report: TuningReport, lead: str) -> None:
    _titled(part, lead, "Where weights are zero (pale): as a whole, and one by one")
    shown = sparse(report)
    for line, one in enumerate(shown):
        pair = [part.add_subplot(len(shown), 2, 2 * line + side) for side in (1, 2)]
        draw_zeros(pair[0], pair[1], one)


_DRAWERS: dict[str, Callable[[Any, TuningReport, str], None]] = {
    "trials": _trials,
    "layers": _layers,
    "weights": _weights,
    "zeros": _zeros,
    "channels": _channels,
}
