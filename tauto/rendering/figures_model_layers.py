"""The figure of the winner's layers: how large each is beside the original's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tauto.rendering.document import clean, shortened
from tauto.rendering.numbers import data_size, share
from tauto.reports import ModelLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["draw_model_layers", "sized"]

LINES = 30
_BLUE = "#4c8bd6"
_GREY = "#c3c8d0"


def sized(found: Sequence[ModelLayer]) -> list[ModelLayer]:
    """Return the layers of which both sizes are known, the largest first, as many as are drawn."""
    rows = [row for row in found if row.optimized_bytes is not None and row.size_bytes > 0]
    return sorted(rows, key=lambda row: -row.size_bytes)[:LINES]


def draw_model_layers(axes: Axes, rows: Sequence[ModelLayer]) -> None:
    """Draw the bytes of each layer before and after, with what its weights are kept in and how many are zero."""
    places = range(len(rows))
    axes.barh(places, [row.size_bytes for row in rows], color=_GREY, label="original")
    axes.barh(places, [row.optimized_bytes or 0 for row in rows], height=0.45, color=_BLUE, label="optimized")
    for place, row in zip(places, rows, strict=True):
        axes.text(
            max(row.size_bytes, row.optimized_bytes or 0), place, f" {_words(row)}", va="center", fontsize="small"
        )
    names = [shortened(clean(row.name or "the model itself"), 44).replace("$", r"\$") for row in rows]
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.xaxis.set_major_formatter(lambda value, _: data_size(value))
    axes.set_xlabel("size of weights and biases")
    axes.legend(frameon=False, fontsize="small", loc="lower right")


def _words(row: ModelLayer) -> str:
    zeros = f", {share(row.sparsity)} zero" if row.sparsity and row.sparsity > 0.05 else ""
    return f"{clean(row.precision or '', 24)}{zeros}"
