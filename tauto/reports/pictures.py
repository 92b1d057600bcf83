"""What a changed model's weights look like beside the original's: numbers that are enough to draw, and few."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GONE", "ROW", "STAYS", "ChannelMap", "WeightPicture"]

STAYS, GONE = "#", "."
"""How maps and patterns are written: what is there, and what is zero or was cut out."""
ROW = 64
"""Signs in a row of a map or pattern."""


@dataclass(frozen=True, slots=True)
class WeightPicture:
    """The weight of one layer before and after, in bins, and where it is zero.

    A layer that was written as two of low rank is seen as their product. Bins are of equal width, from ``low`` to
    ``high``, the same before and after; values that are exactly zero, or not finite, are in none.
    """

    name: str
    """Dotted name of the layer in the original."""
    kind: str
    shape_before: tuple[int, ...]
    shape_after: tuple[int, ...]
    low: float
    high: float
    before: tuple[int, ...]
    after: tuple[int, ...]
    zeros_before: float
    """Share that is exactly zero, 0 to 1."""
    zeros_after: float
    pattern: str = ""
    """``2:4`` where of every four neighbours along the inputs at least two are zero, and about half in all."""
    corner: tuple[str, ...] = ()
    """The first rows (outputs) and columns (inputs) afterwards, sign by sign; empty where hardly any is zero."""
    tenths: tuple[str, ...] = ()
    """The whole matrix afterwards in a coarser grid: zeros of each cell in tenths, ``0`` to ``9`` and ``A`` for all;
    empty where :attr:`corner` is the whole."""


@dataclass(frozen=True, slots=True)
class ChannelMap:
    """Which channels or heads of a layer stayed; what goes with it lost the same."""

    name: str
    kind: str
    """``channels`` or ``heads``."""
    before: int
    after: int
    rows: tuple[str, ...] = ()
    """A sign for each that there was, in order, :data:`ROW` in a row; empty where that would be too many."""
