"""The figure of memory over time: a stacked area of what was alive, its peak marked."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tauto.rendering.document import clean
from tauto.rendering.memory import CATEGORY_NAMES, peak_place
from tauto.rendering.numbers import data_size
from tauto.reports.memory import MemoryTimeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_memory"]

# Okabe and Ito's palette, which people who see few colours tell apart too; grey for the rest.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#56b4e9", "#cc79a7", "#a9adb5")


def draw_memory(axes: Axes, timeline: MemoryTimeline) -> None:
    """Draw ``timeline`` into ``axes``: megabytes by category over seconds, one stretch for each that was traced."""
    seconds = [time / 1e3 for time in timeline.times_ms]
    names = [name for name in CATEGORY_NAMES if any(timeline.categories.get(name, ()))]
    colours = dict(zip(CATEGORY_NAMES, _COLOURS, strict=True))
    for number, (start, end) in enumerate(pairwise((*timeline.windows, len(seconds)))):
        rows = [[size / 1e6 for size in timeline.categories[name][start:end]] for name in names]
        axes.stackplot(
            seconds[start:end],
            rows,
            step="post",
            colors=[colours[name] for name in names],
            labels=[CATEGORY_NAMES[name] for name in names] if number == 0 else (),
            linewidth=0,
        )
    peak = timeline.peak
    top = peak.total_bytes / 1e6
    axes.plot(peak.time_ms / 1e3, top, "v", color="black", markersize=7)
    where = clean(f"{data_size(peak.total_bytes)}: {peak_place(peak)}", 90).replace("$", r"\$")
    side = "left" if peak.time_ms / 1e3 <= (seconds[0] + seconds[-1]) / 2 else "right"  # so that the words stay inside
    axes.annotate(where, (peak.time_ms / 1e3, top), xytext=(0, 8), textcoords="offset points", ha=side, fontsize=8)
    axes.set_ylim(0, top * 1.18 or 1)
    axes.set_xlabel("seconds from the beginning of the cell")
    axes.set_ylabel(f"tensors alive on {timeline.device}, MB")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
