"""What the scripts of the engines have in common: real code, of which the scripts hold the text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tauto.conversion.export import Flat
from tauto.techniques.listing import MAPPING, MAPPING_IMPORTS, listed
from tauto.workload.structure import flatten, rebuild

__all__ = ["DEFINITIONS", "IMPORTS", "VNNI", "InEngine", "exported", "to_onnx"]


def exported(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.export.ExportedProgram:
    """Return ``model`` as a program of a list of tensors, the batch (dimension 0 of the example's tensors) free."""
    tensors, structure = flatten((args, kwargs))
    batch = next(tensor.shape[0] for tensor in tensors if tensor.ndim)
    free = [{0: torch.export.Dim.AUTO} if t.ndim and t.shape[0] == batch else None for t in tensors]
    if batch == 1:  # a size of one would be taken for a constant
        tensors = [torch.cat([t, t]) if dims else t for t, dims in zip(tensors, free, strict=True)]
    with torch.no_grad():
        return torch.export.export(Flat(model, structure), (tensors,), dynamic_shapes=(free,))


def to_onnx(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], path: Path) -> None:
    """Write ``model`` to ``path`` with the batch free."""
    program = exported(model, args, kwargs)
    names = [f"input{index}" for index in range(len(flatten((args, kwargs))[0]))]
    torch.onnx.export(program, (), path, input_names=names, dynamo=True, external_data=True)


class InEngine(nn.Module):
    """Takes what ``model`` takes and returns what it returns; ``run`` maps a list of tensors to a list of tensors."""

    def __init__(
        self, run: Callable[[list[Tensor]], list[Tensor]], model: nn.Module, args: tuple[Any, ...], kwargs: Any
    ) -> None:
        super().__init__()
        self.run = run
        with torch.no_grad():
            self.answer = flatten(model(*args, **kwargs))[1]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the model would have returned."""
        return rebuild(self.answer, self.run(flatten((args, kwargs))[0]))


IMPORTS = (*MAPPING_IMPORTS, "import tempfile", "from pathlib import Path")
DEFINITIONS = (*MAPPING, *(listed(item) for item in (flatten, rebuild, Flat, exported, to_onnx, InEngine)))
VNNI = "torch.cpu._is_vnni_supported()"
"""Asks whether int8 weights may take all eight bits, as :func:`~tauto.techniques.engines.module.saturates` does."""
