"""An OpenVINO graph in fewer bits, by NNCF: real code, of which the scripts hold the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tauto.conversion.nodes import onnx_nodes, openvino_nodes
from tauto.techniques.listing import listed
from tauto.techniques.quantization.keeping import ignored_operations

__all__ = ["DEFINITIONS", "IMPORTS", "compressed", "quantized"]


def quantized(
    graph: Any, calls: Sequence[Sequence[Any]], attention: bool, narrow: bool, observer: str | None, kept: list[str]
) -> Any:
    """Return ``graph`` with int8 weights and activations, whose ranges come from the calls' arrays.

    Parameters
    ----------
    graph : openvino.Model
        In float32.
    calls : sequence of sequence of numpy.ndarray
        The inputs of each call, in the order of the model's.
    attention : bool
        Whether it is a transformer, for which NNCF chooses other schemes.
    narrow : bool
        Keep weights to seven bits, for CPUs whose sums of products overflow.
    observer : {"minmax", "average", "quantile", "histogram"} or None
        How ranges are told from what was seen. None averages the extremes of the calls where there are 32 of them.
    kept : list of str
        Operations that stay in floating point.
    """
    import nncf
    from nncf.quantization.range_estimator import RangeEstimatorParameters, RangeEstimatorParametersSet

    observers = {
        "minmax": RangeEstimatorParametersSet.MINMAX,
        "average": RangeEstimatorParametersSet.MEAN_MINMAX,
        "quantile": RangeEstimatorParametersSet.MEAN_QUANTILE,
        "histogram": RangeEstimatorParametersSet.HISTOGRAM,
    }
    if observer is None:
        # by default the extremes of the calls are averaged: over a few calls that clips what the next one holds
        ranges = RangeEstimatorParameters() if len(calls) >= 32 else observers["minmax"]
    else:
        ranges = observers[observer]
    order = [int(port.any_name.removeprefix("input")) for port in graph.inputs]
    return nncf.quantize(
        graph,
        nncf.Dataset([[call[index] for index in order] for call in calls]),
        subset_size=len(calls),
        model_type=nncf.ModelType.TRANSFORMER if attention else None,
        # of a module that holds no operation to quantize, NNCF would say that it found none
        ignored_scope=nncf.IgnoredScope(names=kept, validate=False) if kept else None,
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.ENABLE if narrow else None,
            activations_range_estimator_params=ranges,
        ),
    )


def compressed(graph: Any, bits: int, group: int, kept: list[str]) -> Any:
    """Return ``graph`` with weights in ``bits`` bits; in four bits a group shares a scale, and the last layer has 8.

    Parameters
    ----------
    graph : openvino.Model
        In float32.
    bits : {8, 4}
        Of the weights.
    group : int
        Weights of a row that share a scale in four bits; in eight all of a row do.
    kept : list of str
        Operations that stay in floating point.
    """
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedCompressionParameters, GroupSizeFallbackMode

    ignored = nncf.IgnoredScope(names=kept, validate=False) if kept else None
    if bits == 8:
        return nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_SYM, ignored_scope=ignored)
    return nncf.compress_weights(
        graph,
        mode=nncf.CompressWeightsMode.INT4_SYM,
        group_size=group,
        ratio=1.0,
        ignored_scope=ignored,
        # rows that are no multiple of it get smaller groups or 8 bits, where NNCF would raise
        advanced_parameters=AdvancedCompressionParameters(group_size_fallback_mode=GroupSizeFallbackMode.ADJUST),
    )


IMPORTS = ("import ast", "import onnx")
DEFINITIONS = tuple(listed(item) for item in (onnx_nodes, openvino_nodes, ignored_operations))
