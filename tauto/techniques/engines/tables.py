"""Embedding tables in int8, where an engine's quantizer leaves them in float32: real code that the scripts list.

NNCF narrows a table that is looked into, and not one read at the same places in every call, such as positions: the
exporter stores what was read as a constant. ONNX Runtime's quantizers narrow neither well (one scale for all rows).
On disk a table is int8 with a scale for each row; both engines widen it once, when they load it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy
from numpy.typing import NDArray
from torch import nn

from tauto.techniques.listing import listed
from tauto.techniques.quantization.keeping import bare

if TYPE_CHECKING:
    import onnx

__all__ = ["TABLE_DEFINITIONS", "TABLE_IMPORTS", "embedding_tables", "narrow_onnx_tables", "narrow_openvino_tables"]

_Array = NDArray[Any]


def embedding_tables(model: nn.Module, keep: Collection[str]) -> list[_Array]:
    """Return the weights of the model's embeddings, but for those that a layer to be kept holds.

    Parameters
    ----------
    model : torch.nn.Module
        With weights on the CPU.
    keep : collection of str
        Dotted names of modules that stay in floating point, with all that they hold.
    """
    model = bare(model)
    kept = {id(weight) for name in keep for weight in model.get_submodule(name).parameters()}
    weights = [module.weight for module in model.modules() if isinstance(module, nn.Embedding)]
    found = {id(weight): weight for weight in weights if id(weight) not in kept}
    return [weight.detach().numpy() for weight in found.values()]


def read_from(array: _Array, table: _Array) -> bool:
    """Return whether ``array`` is nothing but rows of ``table``, and large enough that int8 makes it smaller."""
    if array.dtype != table.dtype or array.ndim < 2 or array.shape[-1] != table.shape[1] or array.size < 1024:
        return False
    rows = array.reshape(-1, table.shape[1])
    if not (table == rows[0]).all(1).any():  # spares the whole comparison for nearly all that is no table
        return False
    known = {row.tobytes() for row in table}
    return all(row.tobytes() in known for row in rows)


def rows_in_int8(array: _Array) -> tuple[_Array, _Array]:
    """Return integers from -127 to 127, and the scale of each row (the last axis), of which the product is ``array``.

    Examples
    --------
    >>> rows_in_int8(numpy.array([[0.0, 127.0], [-254.0, 2.0]], dtype="float32"))[0].tolist()
    [[0, 127], [-127, 1]]
    """
    scale = numpy.abs(array).max(-1, keepdims=True) / 127
    scale[scale == 0] = 1
    return numpy.rint(array / scale).astype("int8"), scale.astype("float32")


def narrow_openvino_tables(graph: Any, tables: Collection[_Array]) -> Any:
    """Return ``graph`` with the constants that come from these tables in int8.

    Parameters
    ----------
    graph : openvino.Model
        Changed in place.
    tables : collection of numpy.ndarray
        From :func:`embedding_tables`.
    """
    from openvino import opset13

    for operation in graph.get_ordered_ops() if tables else ():
        if operation.get_type_name() != "Constant" or operation.get_element_type().get_type_name() != "f32":
            continue
        array = operation.data
        if any(read_from(array, table) for table in tables):
            values, scale = rows_in_int8(array)
            widened = opset13.multiply(opset13.convert(opset13.constant(values), "f32"), opset13.constant(scale))
            for reader in operation.output(0).get_target_inputs():
                reader.replace_source_output(widened.output(0))
    return graph


def narrow_onnx_tables(model: onnx.ModelProto, tables: Collection[_Array]) -> None:
    """Change the weights of ``model`` that come from these tables to int8, in place.

    Parameters
    ----------
    model : onnx.ModelProto
        With its weights inside.
    tables : collection of numpy.ndarray
        From :func:`embedding_tables`.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    taken = {name for node in graph.node for name in node.input}
    for tensor in list(graph.initializer) if tables else ():
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2 or tensor.name not in taken:
            continue
        array = numpy_helper.to_array(tensor)
        if any(read_from(array, table) for table in tables):
            integers, wide, scales = (f"{tensor.name}/{part}" for part in ("int8", "float", "scale"))
            values, scale = rows_in_int8(array)
            added = [numpy_helper.from_array(values, integers), numpy_helper.from_array(scale, scales)]
            nodes = [
                helper.make_node("Cast", [integers], [wide], name=wide, to=TensorProto.FLOAT),
                helper.make_node("Mul", [wide, scales], [tensor.name], name=f"{tensor.name}/widened"),
            ]
            graph.initializer.remove(tensor)
            graph.initializer.extend(added)
            graph.node.insert(0, nodes[1])
            graph.node.insert(0, nodes[0])


TABLE_IMPORTS = ("import numpy", "from torch import nn")
TABLE_DEFINITIONS = tuple(listed(item) for item in (bare, embedding_tables, read_from, rows_in_int8))
