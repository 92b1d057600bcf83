"""What the weights of a model are like."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from tauto.errors import InvalidArgument, a_kind
from tauto.profiling.weights import analyse_weights
from tauto.results import WeightsResult
from tauto.verbs.delivery import deliver

__all__ = ["analyze_weight_distribution"]


def analyze_weight_distribution(
    model: nn.Module, *, thresholds: Sequence[float] = (1e-4, 1e-3, 1e-2), name: str | None = None
) -> WeightsResult:
    """Say what quantization and pruning will meet: range, histogram, outliers, sparsity, dead channels by parameter.

    The model is only read, a few million values at a time. Shared parameters count once; quantized and sparse ones
    are named and not analysed; values that are not finite are counted and left out of the other figures.

    Parameters
    ----------
    model : torch.nn.Module
        On any device.
    thresholds : sequence of float
        Magnitudes, in the weights' own unit, at which sparsity is told.
    name : str, optional
        What to call the model in the report.

    Raises
    ------
    ModelError
        When there are no parameters, or some without values (meta device, lazy).

    Examples
    --------
    >>> tauto.analyze_weight_distribution(model).rows[0].int8_channel_db  # doctest: +SKIP
    41.3
    """
    if not isinstance(model, nn.Module):
        raise InvalidArgument(f"model: {a_kind(model)} is not a torch.nn.Module. Give an instance of one.")
    if isinstance(thresholds, str) or not isinstance(thresholds, Sequence):
        raise InvalidArgument(f"thresholds: {thresholds!r} is no list. Write several magnitudes: (1e-4, 1e-2).")
    report = analyse_weights(model, thresholds, name or type(getattr(model, "_orig_mod", model)).__name__)
    return deliver(WeightsResult(report))
