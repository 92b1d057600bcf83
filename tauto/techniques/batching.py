"""A large batch as several smaller calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.serialization import add_kind
from tauto.techniques.listing import MAPPING, MAPPING_IMPORTS, listed
from tauto.techniques.proof import proved
from tauto.techniques.registry import register
from tauto.techniques.technique import Applicability, Config, Context, Script, Technique
from tauto.workload import Workload
from tauto.workload.structure import flatten, rebuild

__all__ = ["BatchPieces", "SplitBatch", "SplitBatchConfig"]


@dataclass(frozen=True, slots=True)
class SplitBatchConfig(Config):
    """How small the calls are.

    Parameters
    ----------
    rows : int
        Samples of a call, at least 1; the last takes what is left.
    """

    rows: int = 1

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ValueError(f"{self.rows} is not a number of rows from 1 up")


class BatchPieces(nn.Module):
    """A module that is called with at most ``rows`` samples at a time; its answers are joined."""

    def __init__(self, module: nn.Module, rows: int) -> None:
        super().__init__()
        if rows < 1:  # where it is built from a file
            raise ValueError(f"{rows} is not a number of rows from 1 up")
        self.module = module
        self.rows = rows

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module once for each piece of the batch (dimension 0 of the tensors)."""
        tensors, call = flatten((args, kwargs))
        batch = next((tensor.shape[0] for tensor in tensors if tensor.ndim), 1)
        if batch <= self.rows:
            return self.module(*args, **kwargs)
        parts = [torch.split(t, self.rows) if t.ndim and t.shape[0] == batch else None for t in tensors]
        answers, skeleton = [], None
        for index in range(-(-batch // self.rows)):
            piece = [whole if part is None else part[index] for whole, part in zip(tensors, parts, strict=True)]
            inputs, named = rebuild(call, piece)
            outputs, skeleton = flatten(self.module(*inputs, **named))
            answers.append(outputs)
        return rebuild(skeleton, [torch.cat(same) for same in zip(*answers, strict=True)])


add_kind(BatchPieces, ("rows",), inner=("module",))


@register
class SplitBatch(Technique):
    """Answer a batch in smaller calls: what passes from layer to layer is smaller, and may stay in the cache."""

    name = "split_batch"
    title = "a batch in smaller calls"
    family = "runtime"
    config = SplitBatchConfig
    comes_after = frozenset({"fusion", "layout", "sparsity", "precision", "quantization", "engine"})
    cannot_be_with = frozenset({"engine"})  # they are prepared for a batch; OpenVINO has streams of its own

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs a batch of two and more."""
        if (batch := workload.example.batch) < 2:
            return Applicability.no(f"the example is a batch of {batch}, which cannot be cut")
        return Applicability.yes()

    def space(self, workload: Workload, hardware: Hardware) -> tuple[SplitBatchConfig, ...]:
        """Half the batch, and an eighth."""
        batch = workload.example.batch
        return tuple(SplitBatchConfig(rows) for rows in sorted({batch // 2, max(1, batch // 8)}, reverse=True))

    def apply(self, workload: Workload, config: SplitBatchConfig, context: Context) -> nn.Module:
        """Return a copy that is called with ``config.rows`` samples at a time."""
        whole = workload.copy_model().eval()
        pieces = proved(BatchPieces(whole, config.rows), workload.example)
        with torch.no_grad():
            shapes = [[t.shape for t in flatten(workload.example(model))[0]] for model in (whole, pieces)]
        if shapes[0] != shapes[1]:
            raise CandidateFailed("its answer to a batch is not made of one for each sample, so it cannot be joined")
        return pieces

    def script(self, config: SplitBatchConfig) -> Script:
        """Return the same in plain Python."""
        definitions = (*MAPPING, listed(flatten), listed(rebuild), listed(BatchPieces))
        return Script(MAPPING_IMPORTS, f"model = BatchPieces(model, {config.rows!r}).eval()", definitions)
