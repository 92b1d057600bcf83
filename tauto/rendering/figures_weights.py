"""Figures of a changed model's weights: histograms before and after, where they are zero, which channels stayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tauto.rendering.document import clean, shortened
from tauto.rendering.numbers import share
from tauto.reports import ChannelMap, WeightPicture
from tauto.reports.pictures import STAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["CHANNEL_LINES", "draw_before_after", "draw_channels", "draw_zeros"]

CHANNEL_LINES = 30
_BLUE = "#2f6db5"
_GREY = "#b9bec7"
_PALE = "#f1f3f6"


def _name(text: str, length: int) -> str:
    # a dollar sign would start a formula
    return shortened(clean(text or "the model itself"), length).replace("$", r"\$")


def draw_before_after(axes: Axes, picture: WeightPicture) -> None:
    """Draw how the values of one weight lie before (filled) and after (line), counts on a logarithmic scale."""
    edges = _edges(picture)
    axes.stairs(picture.before, edges, fill=True, color=_GREY, label="before")
    axes.stairs(picture.after, edges, color=_BLUE, linewidth=1.4, label="after")
    if any(picture.before) or any(picture.after):
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)  # so that powers of ten are always in sight
    axes.set_title(_name(picture.name, 34), loc="left", fontsize="small")
    words = f"zeros: {share(picture.zeros_before)} before, {share(picture.zeros_after)} after"
    axes.set_xlabel(words, fontsize="small")
    axes.minorticks_off()
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(labelsize="x-small")
    axes.spines[["top", "right"]].set_visible(False)


def _edges(picture: WeightPicture) -> list[float]:
    bins = max(len(picture.before), 1)
    return [picture.low + index * (picture.high - picture.low) / bins for index in range(bins + 1)]


def draw_zeros(whole: Axes, corner: Axes, picture: WeightPicture) -> None:
    """Draw where a weight is zero: the whole in a coarse grid, and its first rows and columns one by one."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("zeros", [_BLUE, _PALE])
    shown: dict[str, Any] = {"cmap": colours, "vmin": 0, "vmax": 1, "aspect": "auto", "interpolation": "nearest"}
    rows, columns = picture.shape_after[0], _product(picture.shape_after[1:])
    if picture.tenths:
        grid = [[int(sign, 16) / 10 for sign in row] for row in picture.tenths]
        whole.imshow(grid, extent=(0, columns, rows, 0), **shown)
        _titled(whole, f"{_name(picture.name, 26)}: {share(picture.zeros_after)} zero")
    else:
        whole.set_axis_off()
    exact = [[float(sign != STAYS) for sign in row] for row in picture.corner]
    high, wide = len(exact), len(exact[0])
    corner.imshow(exact, extent=(0, wide, high, 0), **shown)
    for four in range(4, wide, 4) if picture.pattern == "2:4" else ():
        corner.axvline(four, color="black", linewidth=0.4)
    words = f"{high} × {wide} of {rows:,} × {columns:,}" if picture.tenths else _name(picture.name, 26)
    _titled(corner, f"{words}{', two of every four' if picture.pattern == '2:4' else ''}")


def _titled(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize="small")
    axes.tick_params(labelsize="x-small")
    axes.set_xlabel("inputs", fontsize="small")
    axes.set_ylabel("outputs", fontsize="small")


def _product(numbers: Sequence[int]) -> int:
    product = 1
    for number in numbers:
        product *= number
    return product


def draw_channels(axes: Axes, maps: Sequence[ChannelMap]) -> None:
    """Draw a strip for each layer: dark what stayed, pale what was cut out."""
    from matplotlib.colors import ListedColormap

    colours = ListedColormap([_PALE, _BLUE])
    for place, one in enumerate(maps):
        signs = [[int(sign == STAYS) for row in one.rows for sign in row]]
        edges = (0.0, 1.0, place + 0.36, place - 0.36)
        axes.imshow(signs, cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest", extent=edges)
        axes.text(1.01, place, f"{one.after:,} of {one.before:,} {clean(one.kind, 12)}", va="center", fontsize="small")
    axes.set_yticks(range(len(maps)), [_name(one.name, 44) for one in maps])
    axes.set_xticks([])
    axes.set_xlim(0, 1.25)
    axes.set_ylim(len(maps) - 0.5, -0.5)
    axes.set_xlabel("first to last of each layer: dark stayed, pale was cut out")
