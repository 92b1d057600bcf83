"""The inputs of a call made anew at another size, with the values that were given."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tauto.config.scale import Scale
from tauto.errors import InvalidArgument, did_you_mean
from tauto.workload.call import Call
from tauto.workload.structure import map_tensors, tensors_of

__all__ = ["Places", "places_of", "resized"]


@dataclass(frozen=True, slots=True)
class Places:
    """Which dimensions of which tensors of a call take the size.

    Parameters
    ----------
    by_tensor : tuple of tuple of int
        For each tensor of the call in order, its dimensions.
    names : tuple of str
        The same in words, such as ``input_ids.1``.
    """

    by_tensor: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]


def places_of(scale: Scale, call: Call, model: nn.Module) -> Places:
    """Return what ``scale`` means for this call.

    Raises
    ------
    InvalidArgument
        When no input has such a dimension.
    """
    named = _named_tensors(call, model)
    chosen = _by_name(scale.name, call, named) if scale.name else _by_input(scale, named)
    if not any(chosen):
        shapes = ", ".join(f"{name}: {list(tensor.shape)}" for name, _, tensor in named)
        raise InvalidArgument(f"scale: no input has the dimension {scale.target!r}. The inputs are {shapes}.")
    names = tuple(f"{name}.{index}" for (name, _, _), own in zip(named, chosen, strict=True) for index in own)
    return Places(tuple(chosen), names)


def _named_tensors(call: Call, model: nn.Module) -> list[tuple[str, str, Tensor]]:
    """Return name, position and tensor of each input, in the order of the call's tensors."""
    try:
        known = [
            parameter.name
            for parameter in inspect.signature(model.forward).parameters.values()
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):  # a scripted forward has no signature
        known = []
    found = []
    for index, value in enumerate(call.args):
        name = known[index] if index < len(known) else str(index)
        found += [(name, str(index), tensor) for tensor in tensors_of(value)]
    for key, value in call.kwargs.items():
        found += [(key, key, tensor) for tensor in tensors_of(value)]
    return found


def _by_name(name: str, call: Call, named: list[tuple[str, str, Tensor]]) -> list[tuple[int, ...]]:
    tensors = [tensor for _, _, tensor in named]
    length = next((tensor.shape[1] for tensor in tensors if tensor.ndim >= 2), -1)
    rules: dict[str, Callable[[Tensor], tuple[int, ...]]] = {
        "batch": lambda tensor: (0,) if tensor.ndim and tensor.shape[0] == call.batch else (),
        "seq": lambda tensor: (1,) if tensor.ndim >= 2 and tensor.shape[1] == length else (),
        "height": lambda tensor: (tensor.ndim - 2,) if tensor.ndim >= 3 else (),
        "width": lambda tensor: (tensor.ndim - 1,) if tensor.ndim >= 3 else (),
        "size": lambda tensor: (tensor.ndim - 2, tensor.ndim - 1) if tensor.ndim >= 3 else (),
    }
    return [rules[name](tensor) for tensor in tensors]


def _by_input(scale: Scale, named: list[tuple[str, str, Tensor]]) -> list[tuple[int, ...]]:
    for asked in scale.dimensions:
        own = [tensor for name, position, tensor in named if asked.input in (name, position)]
        if not own:
            known = [name for name, _, _ in named]
            raise InvalidArgument(
                f"scale: there is no input {asked.input!r}. {did_you_mean(asked.input, known)}".rstrip()
            )
        if all(asked.index >= tensor.ndim for tensor in own):
            raise InvalidArgument(
                f"scale: {asked.input} has no dimension {asked.index}; its shape is {list(own[0].shape)}. "
                f"Write one from 0 to {max(own[0].ndim - 1, 0)}."
            )
    return [
        tuple(
            asked.index for asked in scale.dimensions if asked.input in (name, position) and asked.index < tensor.ndim
        )
        for name, position, tensor in named
    ]


def resized(call: Call, places: Places, size: int) -> Call:
    """Return ``call`` with each chosen dimension of this ``size``.

    The values given are repeated in turn, so that identifiers stay valid; the originals stay as they are.
    """
    chosen = iter(places.by_tensor)

    def remake(tensor: Tensor) -> Tensor:
        made = tensor.detach()
        for index in next(chosen):
            order = torch.arange(size, device=tensor.device) % max(tensor.shape[index], 1)
            made = made.index_select(index, order)
        last = made.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
        if last and not tensor.is_contiguous():
            made = made.contiguous(memory_format=torch.channels_last)
        return made

    args = map_tensors(remake, call.args)
    return Call(args, map_tensors(remake, call.kwargs))
