"""An ONNX graph in fewer bits, by ONNX Runtime's quantizers: real code, of which the scripts hold the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tauto.conversion.nodes import onnx_nodes
from tauto.techniques.listing import listed
from tauto.techniques.quantization.keeping import excluded_nodes

if TYPE_CHECKING:
    import onnx

__all__ = ["DEFINITIONS", "IMPORTS", "quantized_as_it_comes", "quantized_by_calls", "quantized_weights", "untied"]


def untied(model: onnx.ModelProto) -> onnx.ModelProto:
    """Give every Gemm weights of its own, and forget inferred shapes: the quantizer transposes weights in place."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    uses = Counter(name for node in graph.node for name in node.input)
    for node in graph.node:
        if node.op_type == "Gemm" and uses[node.input[1]] > 1 and node.input[1] in weights:
            copy = graph.initializer.add()
            copy.CopyFrom(weights[node.input[1]])
            copy.name = node.input[1] = f"{node.input[1]}/{node.name}"
    del graph.value_info[:]
    return model


def quantized_as_it_comes(model: onnx.ModelProto, path: Path, narrow: bool, keep: Sequence[str]) -> None:
    """Write ``model`` with int8 linear and LSTM layers, whose inputs are quantized at each call.

    These have kernels on every CPU (ConvInteger has none for int8 weights; Gemm becomes MatMul).

    Parameters
    ----------
    model : onnx.ModelProto
        In float32.
    path : Path
        Where to write it.
    narrow : bool
        Keep weights to seven bits, for CPUs whose sums of products overflow.
    keep : sequence of str
        Modules that stay in floating point.
    """
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(
        model,
        path,
        op_types_to_quantize=["MatMul", "LSTM"],
        per_channel=True,
        reduce_range=narrow,
        nodes_to_exclude=excluded_nodes(model.graph, keep),
        use_external_data_format=model.ByteSize() >= 2_000_000_000,
    )


def quantized_by_calls(
    model: onnx.ModelProto,
    path: Path,
    narrow: bool,
    keep: Sequence[str],
    calls: Sequence[Sequence[Any]],
    observer: str | None,
) -> None:
    """Write ``model`` with int8 weights and activations, whose ranges come from the calls' arrays.

    Parameters
    ----------
    model, path, narrow, keep
        As for :func:`quantized_as_it_comes`.
    calls : sequence of sequence of numpy.ndarray
        The inputs of each call, in the order of the model's.
    observer : {"minmax", "average", "percentile", "entropy"} or None
        How ranges are told from what was seen; None is ``"minmax"``.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType, quantize_static

    names = [value.name for value in model.graph.input]
    left = iter(calls)
    excluded = with_what_only_feeds(model.graph, excluded_nodes(model.graph, keep))

    class Calls(CalibrationDataReader):  # type: ignore[misc]  # the library has no types
        def get_next(self) -> Any:
            call = next(left, None)
            return None if call is None else {name: call[int(name.removeprefix("input"))] for name in names}

    methods = {"entropy": CalibrationMethod.Entropy, "percentile": CalibrationMethod.Percentile}
    quantize_static(
        model,
        path,
        Calls(),
        op_types_to_quantize=[
            *("Conv", "ConvTranspose", "Gemm", "MatMul"),
            # between two of these, values may stay integers
            *("Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool", "Reshape", "Flatten", "Transpose"),
        ],
        per_channel=True,
        reduce_range=narrow,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=excluded,
        calibrate_method=methods.get(observer or "", CalibrationMethod.MinMax),
        use_external_data_format=model.ByteSize() >= 2_000_000_000,
        # products of two activations, as in attention, lose most and gain least
        extra_options={"MatMulConstBOnly": True, "CalibMovingAverage": observer == "average"},
    )
    if excluded:
        written = onnx.load(path)
        read_unrounded(written.graph, excluded)
        for file in path.parent.glob(f"{path.name}.data"):
            file.unlink()  # weights beside it would be appended to
        large = written.ByteSize() >= 2_000_000_000
        onnx.save(written, path, save_as_external_data=large, location=f"{path.name}.data" if large else None)


def with_what_only_feeds(graph: Any, names: Sequence[str]) -> list[str]:
    """Return the nodes of these names, and those before them that only pass values on to them."""
    passing = {"Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool", "Reshape", "Flatten", "Transpose"}
    chosen, results = set(names), {value.name for value in graph.output}
    for node in reversed(graph.node):
        readers = [other.name for other in graph.node if set(node.output) & set(other.input)]
        only = readers and not results & set(node.output) and all(name in chosen for name in readers)
        if node.op_type in passing and only:
            chosen.add(node.name)
    return [*names, *sorted(chosen - set(names))]


def read_unrounded(graph: Any, names: Sequence[str]) -> None:
    """Have the nodes of these names read what was made for them before it was rounded.

    The quantizer rounds what a quantized node returns for all that read it, also for those that stay in floating point.
    """
    made = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        for place, name in enumerate(node.input if node.name in names else ()):
            widened = made.get(name)
            if widened is None or widened.op_type != "DequantizeLinear":
                continue
            rounded = made.get(widened.input[0])
            if rounded is not None and rounded.op_type == "QuantizeLinear":
                node.input[place] = rounded.input[0]


def quantized_weights(model: onnx.ModelProto, path: Path, bits: int, group: int, keep: Sequence[str]) -> None:
    """Write ``model`` with the weights of linear layers in ``bits`` bits; a group of them shares a scale.

    Parameters
    ----------
    model, path, keep
        As for :func:`quantized_as_it_comes`.
    bits : {8, 4}
        Of the weights.
    group : int
        Weights of a row that share a scale.
    """
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    from onnxruntime.quantization.onnx_model import ONNXModel

    excluded = excluded_nodes(model.graph, keep)
    plain = ONNXModel(model)
    plain.replace_gemm_with_matmul()
    quantizer = MatMulNBitsQuantizer(
        plain.model, bits=bits, block_size=group, is_symmetric=True, nodes_to_exclude=excluded
    )
    quantizer.process()
    quantizer.model.save_model_to_file(str(path), model.ByteSize() >= 2_000_000_000)


IMPORTS = ("import ast", "import onnx", "from collections import Counter")
_FUNCTIONS = (untied, onnx_nodes, excluded_nodes, with_what_only_feeds, read_unrounded)
DEFINITIONS = tuple(listed(item) for item in _FUNCTIONS)
