"""An ONNX model on disk without the exporter's notes, which tell where in the user's source a node comes from.

Of a small network they are more bytes than a quarter of its int8 weights; nothing reads them once it is quantized.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tauto.conversion.onnx import MODEL
from tauto.techniques.engines.tables import narrow_onnx_tables

if TYPE_CHECKING:
    import onnx

__all__ = ["copy_plain", "finish_narrow"]

_MOST = 2_000_000_000
"""Bytes that a protocol buffer can hold; above that, weights lie in a file beside it."""


def copy_plain(source: Path, folder: Path) -> None:
    """Copy the exported model in the folder ``source`` into ``folder``: the weights as they are, without the notes."""
    import onnx

    shutil.copytree(source, folder, dirs_exist_ok=True)
    model = onnx.load(folder / MODEL, load_external_data=False)
    _forget_notes(model)
    onnx.save(model, folder / MODEL)


def finish_narrow(path: Path, tables: Collection[Any]) -> None:
    """Narrow what the quantizer left of these embedding tables in the model at ``path``, and drop the notes.

    Parameters
    ----------
    path : Path
        The quantized model.
    tables : collection of numpy.ndarray
        From :func:`~tauto.techniques.engines.tables.embedding_tables`.
    """
    import onnx

    model = onnx.load(path)
    narrow_onnx_tables(model, tables)
    _forget_notes(model)
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()  # weights beside it would be appended to
    large = model.ByteSize() >= _MOST
    onnx.save(model, path, save_as_external_data=large, location=f"{path.name}.data" if large else None)


def _forget_notes(model: onnx.ModelProto) -> None:
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    for node in _with_inner(nodes):
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        del value.metadata_props[:]


def _with_inner(nodes: Collection[Any]) -> Iterator[Any]:
    """Yield the nodes and those of the graphs inside of them, as a loop has."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            yield from _with_inner([inner for graph in (attribute.g, *attribute.graphs) for inner in graph.node])
