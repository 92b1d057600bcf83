"""Which tensors hold memory, and as what, noted while a window is open.

The profiler knows addresses and not whose they are. So the addresses of a model's parameters and gradients, of an
optimizer's state and of the inputs are noted when they are known to be there; each note leaves a mark in the trace,
so that its place among the allocations is exact.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

__all__ = ["MARK", "Holders", "Note", "Storage", "storages_of"]

MARK = "tauto@"
"""Begins the name of every mark in the trace."""

Storage = tuple[int, int, str]
"""Address, bytes and device of a tensor's memory."""


@dataclass(frozen=True, slots=True)
class Note:
    """All that one holder held at one moment; what it held before and is not in it was given up."""

    category: Literal["parameters", "gradients", "optimizer_state", "inputs"]
    holder: int
    """Says which notes are of the same holder."""
    storages: tuple[Storage, ...]


def storages_of(tensors: Iterable[Tensor]) -> Iterator[Storage]:
    """Yield the storage of each tensor that has one; those of the parts of sparse tensors and of subclasses."""
    for tensor in tensors:
        if is_lazy(tensor):
            continue
        if tensor.layout is not torch.strided:
            yield from storages_of(_sparse_parts(tensor))
        elif hasattr(tensor, "__tensor_flatten__"):
            yield from storages_of(getattr(tensor, name) for name in tensor.__tensor_flatten__()[0])
        else:
            yield from _storage_of(tensor)


def _storage_of(tensor: Tensor) -> Iterator[Storage]:
    try:
        storage = tensor.untyped_storage()
        address = storage.data_ptr()
    except (NotImplementedError, RuntimeError):  # a wrapper (vmap) or a mere description has no memory of its own
        return
    if address:
        yield address, storage.nbytes(), str(storage.device)


def _tensors_in(value: Any) -> Iterator[Tensor]:
    # not tauto.workload.structure: that copies containers, which the user's own may refuse
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors_in(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors_in(item)


def _sparse_parts(tensor: Tensor) -> tuple[Tensor, ...]:
    if tensor.layout is torch.sparse_coo:
        return tensor._indices(), tensor._values()
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return tensor.crow_indices(), tensor.col_indices(), tensor.values()
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return tensor.ccol_indices(), tensor.row_indices(), tensor.values()
    return ()  # MKL-DNN's layout, whose memory is its own


class Holders:
    """Takes notes, each with its mark in the trace. Call it only while a window is open, on its thread.

    Models and optimizers are held weakly; of tensors only addresses are kept.

    Examples
    --------
    >>> holders = Holders()
    >>> holders.note_call(nn.Linear(2, 2), (torch.zeros(1, 2),), {})
    >>> [note.category for note in holders.notes]
    ['parameters', 'gradients', 'inputs']
    """

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self._models: dict[int, weakref.ref[nn.Module]] = {}

    def note_call(self, model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Note what ``model``, a root, holds as it is called, and what it is called with."""
        self._models[id(model)] = weakref.ref(model)
        self._note("parameters", id(model), [*model.parameters(), *model.buffers()])
        self._note_gradients(model)
        self._note("inputs", id(model), _tensors_in([args, dict(kwargs)]))

    def note_gradients(self) -> None:
        """Note the gradients of all models that were called, after a backward pass."""
        for known in tuple(self._models.values()):
            if (model := known()) is not None:
                self._note_gradients(model)

    def note_update(self, optimizer: Optimizer) -> None:
        """Note the state of ``optimizer``, after its step."""
        self._note("optimizer_state", id(optimizer), _tensors_in(dict(optimizer.state)))

    def _note_gradients(self, model: nn.Module) -> None:
        grads = (parameter.grad for parameter in model.parameters())
        self._note("gradients", id(model), [grad for grad in grads if grad is not None])

    def _note(
        self,
        category: Literal["parameters", "gradients", "optimizer_state", "inputs"],
        holder: int,
        tensors: Iterable[Tensor],
    ) -> None:
        storages = tuple(dict.fromkeys(storages_of(tensors)))
        self.notes.append(Note(category, holder, storages))
        with torch._C._profiler._RecordFunctionFast(f"{MARK}{len(self.notes) - 1}"):
            pass
