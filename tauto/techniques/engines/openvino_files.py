"""An OpenVINO model on disk: its weights as they are, and its description compressed.

The description of a small network in XML takes as many bytes as a quarter of its int8 weights, and a sixteenth of
that compressed by gzip; reading it back takes no longer than the plain file.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from tauto.conversion.openvino import import_openvino

__all__ = ["read_graph", "write_graph"]

_PLAIN, _GRAPH, _WEIGHTS = "model.xml", "model.xml.gz", "model.bin"


def write_graph(graph: Any, folder: Path) -> None:
    """Write ``graph``, an ``openvino.Model``, into a folder that exists; equal graphs give equal files."""
    import_openvino().save_model(graph, folder / _PLAIN, compress_to_fp16=False)
    plain = folder / _PLAIN
    (folder / _GRAPH).write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    plain.unlink()


def read_graph(core: Any, folder: Path) -> tuple[Any, NDArray[numpy.uint8]]:
    """Return the model, and its weights, mapped from the file: they must outlive the model and what is compiled of it.

    Parameters
    ----------
    core : openvino.Core
        Reads it.
    folder : Path
        Where :func:`write_graph` wrote.
    """
    file = folder / _WEIGHTS
    # mapped privately, since OpenVINO wants memory that could be written; a file of nothing cannot be mapped
    weights = numpy.memmap(file, numpy.uint8, "c") if file.stat().st_size else numpy.empty(0, numpy.uint8)
    description = gzip.decompress((folder / _GRAPH).read_bytes()).decode()
    return core.read_model(description, import_openvino().Tensor(weights, shared_memory=True)), weights
