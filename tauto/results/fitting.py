"""What shows how a model was trained."""

from __future__ import annotations

from typing import ClassVar

from tauto.reports import FittingReport
from tauto.results.result import Result

__all__ = ["FittingResult"]


class FittingResult(Result[FittingReport]):
    """The losses, the looks, and the state that was kept; ``plot()`` draws them."""

    noun: ClassVar[str] = "training"
