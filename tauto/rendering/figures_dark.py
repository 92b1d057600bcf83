"""A figure for a dark page: what was drawn in black on white, in light ink on a dark ground; colours stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["INK", "PAGE", "darken"]

INK, PAGE = "#e6e6e6", "#111111"


def darken(figure: Figure) -> None:
    """Redraw ``figure`` for a dark page, in place."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.text import Text

    for axes in figure.axes:
        axes.tick_params(which="both", colors=INK)  # ticks that are made only when it is drawn, too
    artist: Any
    for artist in figure.findobj(lambda one: isinstance(one, Line2D | Patch | Text)):
        if isinstance(artist, Patch):
            _swap(artist.get_facecolor(), artist.set_facecolor)
            _swap(artist.get_edgecolor(), artist.set_edgecolor)
        else:
            _swap(artist.get_color(), artist.set_color)


def _swap(colour: Any, change: Any) -> None:
    from matplotlib.colors import to_rgba

    red, green, blue, alpha = to_rgba(colour)
    if (red, green, blue) == (0, 0, 0):
        change((*to_rgba(INK)[:3], alpha))
    elif (red, green, blue) == (1, 1, 1):
        change((*to_rgba(PAGE)[:3], alpha))
    elif red == green == blue == 0.8:  # matplotlib's own grey, around legends
        change((0.35, 0.35, 0.35, alpha))
