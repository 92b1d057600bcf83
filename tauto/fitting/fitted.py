"""What a training returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import nn

from tauto.errors import Interrupted
from tauto.reports import FittingReport

__all__ = ["Fitted", "Fitter", "delivered"]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model in the best state that its training found, and the account of it."""

    model: nn.Module
    report: FittingReport


Fitter: TypeAlias = Callable[..., Fitted]
"""``fitter(model, in_place=False)``: a training whose other arguments are settled."""


def delivered(model: nn.Module, report: FittingReport) -> Fitted:
    """Return the two together.

    Raises
    ------
    Interrupted
        When the training was; it carries them.
    """
    fitted = Fitted(model, report)
    if report.stopped == "interrupted":
        raise Interrupted(fitted)
    return fitted
