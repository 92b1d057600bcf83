"""Which nodes of an ONNX graph, and of the OpenVINO graph read from it, compute a module of the exported model."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Any

__all__ = ["onnx_nodes", "openvino_nodes"]


def onnx_nodes(graph: Any, path: str) -> list[Any]:
    """Return the nodes of an ONNX graph that compute the module at ``path``.

    The exporter writes into each node the modules whose call it comes from. The weights' names tell the rest:
    attention uses its projections without calling them, and a layer that took in a batch normalisation has that one's
    place. They do not tell more, since the exporter keeps equal weights of several layers once.

    Parameters
    ----------
    graph : onnx.GraphProto
        Written by ``torch.onnx.export`` of a module that holds the model as its attribute ``model``.
    path : str
        Dotted name of a module of the model.
    """
    whole = f"model.{path}"
    known = {tensor.name for tensor in graph.initializer}
    weights = {name for name in known if name.startswith(f"{whole}.")}
    found = []
    for node in graph.node:
        properties = {item.key: item.value for item in node.metadata_props}
        scopes = ast.literal_eval(properties.get("pkg.torch.onnx.name_scopes", "[]"))
        inside = any(scope == whole or scope.startswith(f"{whole}.") for scope in scopes[:-1])
        around = (len(scopes) > 1 and whole.startswith(f"{scopes[-2]}.")) or "batch_norm" in "".join(scopes[-1:])
        if inside or (around and weights & set(node.input)):
            found.append(node)
            if known.issuperset(node.input):  # a transposed weight is a weight still
                weights.update(node.output)
    return found


def openvino_nodes(graph: Any, nodes: Collection[Any], known: Collection[str]) -> list[str]:
    """Return the names of the operations of ``graph`` that stand for these ONNX nodes.

    A node becomes several operations, and only the last keeps its name; but each tensor keeps its own, so that what
    lies between a node's outputs and the next known tensors is the node.

    Parameters
    ----------
    graph : openvino.Model
        As it was read from the ONNX file.
    nodes : collection of onnx.NodeProto
        From :func:`onnx_nodes`.
    known : collection of str
        Names of all tensors of the ONNX graph.
    """
    wanted = {name for node in nodes for name in node.output}
    known = set(known)
    found: dict[str, None] = {}
    for operation in graph.get_ordered_ops():
        for output in operation.outputs():
            if wanted & output.get_names():
                pending = [operation]
                while pending:
                    current = pending.pop()
                    if current.get_type_name() == "Constant" or current.get_friendly_name() in found:
                        continue
                    found[current.get_friendly_name()] = None
                    sources = [value.get_source_output() for value in current.inputs()]
                    pending += [value.get_node() for value in sources if not known & value.get_names()]
    return list(found)
