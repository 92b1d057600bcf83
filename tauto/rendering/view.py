"""How much of a profile is shown, and in which order; the report itself stays whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from tauto.errors import InvalidArgument, did_you_mean

__all__ = ["SORTS", "Sort", "View"]

Sort = Literal["tree", "total", "self", "flops", "memory", "calls"]
SORTS: tuple[str, ...] = get_args(Sort)


@dataclass(frozen=True, slots=True)
class View:
    """What of a profile's modules is shown.

    Parameters
    ----------
    sort : str
        ``tree`` keeps the order of the model; else the largest first, by ``total`` or ``self`` time, ``flops``,
        ``memory`` (activations) or ``calls``.
    depth : int, optional
        How many levels below the root; None shows all.
    fold : bool
        Whether three or more blocks in turn that are alike stand in one row, as sums.
    memory : bool
        Whether memory over time is shown whole, and not only its peak.

    Raises
    ------
    InvalidArgument
        When ``sort`` is none of these, or ``depth`` no whole number from 0.
    """

    sort: Sort = "tree"
    depth: int | None = None
    fold: bool = True
    memory: bool = False

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            close = did_you_mean(str(self.sort), SORTS)
            raise InvalidArgument(f"sort: {self.sort!r} is none of {', '.join(SORTS)}. {close}".rstrip())
        depth: Any = self.depth
        if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
            raise InvalidArgument(f"depth: {depth!r} is no number of levels. Write a whole number from 0.")
