"""What ``tauto.compare`` returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from tauto.errors import InvalidArgument
from tauto.reports import Comparison, LayersReport
from tauto.results.layers import LayersResult
from tauto.results.result import Result

__all__ = ["ComparisonResult"]


class ComparisonResult(Result[Comparison]):
    """Two models, measured interleaved.

    Parameters
    ----------
    report : Comparison
        What was found.
    layers : callable, optional
        Compares the two layer by layer; None for a report of the past.
    """

    noun: ClassVar[str] = "comparison"

    def __init__(self, report: Comparison, layers: Callable[[], LayersReport] | None = None) -> None:
        super().__init__(report)
        self._layers = layers

    @property
    def has_layers(self) -> bool:
        """Whether the models are known that :meth:`layers` runs."""
        return self._layers is not None

    def layers(self) -> LayersResult:
        """Return the same two models layer by layer, over the same inputs: where an error starts and how it grows.

        Raises
        ------
        InvalidArgument
            When the models are no longer there, or this is a comparison of the past.
        ModelError
            When one of them cannot be run so.

        Examples
        --------
        >>> tauto.compare(model, fast, x).layers().starts  # doctest: +SKIP
        'stem.conv'
        """
        if self._layers is None:
            raise InvalidArgument("layers: this is a past comparison, without its models. Compare them again.")
        return LayersResult(self._layers())
