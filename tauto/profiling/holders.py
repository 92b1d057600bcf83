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

Storage = tuple[int, int, torch.device]
"""Address, bytes and device of a tensor's memory."""

_PLAIN = {Tensor, nn.Parameter}


@dataclass(frozen=True, slots=True)
class Note:
    """All that one holder held at one moment; what it held before and is not in it was given up."""

    category: Literal["parameters", "gradients", "optimizer_state", "inputs"]
    holder: int
    """Says which notes are of the same holder."""
    storages: tuple[Storage, ...]


def storages_of(tensors: Iterable[Tensor]) -> list[Storage]:
    """Return the storage of each tensor that has one; those of the parts of sparse tensors and of subclasses.

    Examples
    --------
    >>> [size for _, size, _ in storages_of([torch.zeros(3), torch.zeros(2, 2).to_sparse()[:0]])]
    [12]
    """
    found: list[Storage] = []
    for tensor in tensors:
        if type(tensor) in _PLAIN and tensor.layout is torch.strided:  # nearly all: this runs once a parameter and step
            try:
                storage = tensor.untyped_storage()
                found.append((storage.data_ptr(), storage.nbytes(), tensor.device))
            except (NotImplementedError, RuntimeError):  # a wrapper (vmap) or a description has no memory of its own
                continue
        elif not is_lazy(tensor):
            found += storages_of(_parts_of(tensor))
    return [one for one in found if one[0]]


def _parts_of(tensor: Tensor) -> tuple[Tensor, ...]:
    if hasattr(tensor, "__tensor_flatten__"):
        return tuple(getattr(tensor, name) for name in tensor.__tensor_flatten__()[0])
    if tensor.layout is torch.sparse_coo:
        return tensor._indices(), tensor._values()
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return tensor.crow_indices(), tensor.col_indices(), tensor.values()
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return tensor.ccol_indices(), tensor.row_indices(), tensor.values()
    if tensor.layout is torch.strided:
        return (tensor.detach().as_subclass(Tensor),)
    return ()  # MKL-DNN's layout, whose memory is its own


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


def _members(model: nn.Module) -> tuple[list[nn.Parameter], list[Tensor]]:
    """Return parameters and buffers; ``model.parameters()`` takes five times as long."""
    parameters: list[nn.Parameter] = []
    buffers: list[Tensor] = []
    met: set[int] = set()
    modules: list[nn.Module | None] = [model]
    while modules:
        module = modules.pop()
        if module is None or id(module) in met:
            continue
        met.add(id(module))
        parameters += [one for one in module._parameters.values() if one is not None]
        buffers += [one for one in module._buffers.values() if one is not None]
        modules.extend(module._modules.values())
    return parameters, buffers


class Holders:
    """Takes notes, each with its mark in the trace. Call it only while a window is open, on its thread.

    Models are held weakly; of tensors only addresses are kept.

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
        parameters, buffers = _members(model)
        self._note("parameters", id(model), [*parameters, *buffers])
        self._note_gradients(id(model), parameters)
        self._note("inputs", id(model), _tensors_in([args, dict(kwargs)]))

    def note_gradients(self) -> None:
        """Note the gradients of all models that were called, after a backward pass."""
        for known in tuple(self._models.values()):
            if (model := known()) is not None:
                self._note_gradients(id(model), _members(model)[0])

    def note_update(self, optimizer: Optimizer) -> None:
        """Note the state of ``optimizer``, after its step."""
        tensors: list[Tensor] = []
        for state in optimizer.state.values():
            for value in state.values():
                tensors += (value,) if isinstance(value, Tensor) else _tensors_in(value)
        self._note("optimizer_state", id(optimizer), tensors)

    def _note_gradients(self, holder: int, parameters: Iterable[nn.Parameter]) -> None:
        self._note("gradients", holder, [grad for one in parameters if (grad := one.grad) is not None])

    def _note(
        self,
        category: Literal["parameters", "gradients", "optimizer_state", "inputs"],
        holder: int,
        tensors: Iterable[Tensor],
    ) -> None:
        self.notes.append(Note(category, holder, tuple(dict.fromkeys(storages_of(tensors)))))
        with torch._C._profiler._RecordFunctionFast(f"{MARK}{len(self.notes) - 1}"):
            pass
