"""What compiling a model meets: where its graph is cut, and when it is compiled again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tauto.reports.comparison import Interval

__all__ = ["Compilation", "GraphBreak", "ShapeTrial"]


@dataclass(frozen=True, slots=True)
class GraphBreak:
    """A place at which the compiler goes back to plain Python."""

    place: str
    """The user's line, such as ``model.py:12``; empty where it is not known."""
    code: str
    """That line; empty where its text is not known."""
    reason: str
    advice: str
    """What to change; empty where nothing is known."""
    whole_function: bool
    """The function that holds the line is run uncompiled as a whole."""


@dataclass(frozen=True, slots=True)
class ShapeTrial:
    """What a second shape did to code that was compiled for the first."""

    dynamic: Literal["no", "automatic", "yes"]
    """As ``torch.compile(dynamic=False | None | True)``."""
    recompiled: int
    """Pieces of code that were compiled again."""
    guards: tuple[str, ...]
    """Why, in words."""
    failure: str = ""
    """How it could not be traced, in words."""
    restless: tuple[str, ...] = ()
    """Why the first call itself, made once more, was compiled again: what it was not made for is no shape."""


@dataclass(frozen=True, slots=True)
class Compilation:
    """What was seen when the model was traced, without building kernels, and what dynamic shapes cost."""

    graphs: int | None
    """Pieces that one call is compiled in; None where it could not be traced."""
    breaks: tuple[GraphBreak, ...]
    failure: str
    """Why the model could not be traced, or was not looked at; empty where it was."""
    first_shapes: tuple[str, ...]
    second_shapes: tuple[str, ...]
    """Of the call tried beside the example; empty where there was none."""
    second_from: Literal["data", "doubled batch", "none"]
    second_missing: str
    """Why there was no second shape."""
    shapes: tuple[ShapeTrial, ...]
    varies: bool
    """Whether ``data`` has calls of several shapes."""
    asked: bool | None
    """What the user said of ``dynamic``; None: to be chosen."""
    dynamic: bool | None
    """Whether the winner was compiled for sizes that vary; None without one."""
    price: float | None
    """Time of the code for varying sizes over that of the code for the example's alone, at the example's shapes;
    None where one of the two was not timed."""
    price_interval: Interval | None
    """From the bounds of both speedups: rather too wide."""
    cache: str
    """The compiler's folder, kept between runs."""
    cache_bytes: int
