"""Values of any nesting, taken apart into tensors and a skeleton, and put together again.

Tuples, named tuples, lists, dictionaries (transformers' ``ModelOutput`` among them) and dataclasses may hold
tensors at any depth; everything else is a constant of the skeleton.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

__all__ = [
    "Slot",
    "constants_of",
    "describe",
    "described",
    "flatten",
    "map_tensors",
    "plain_parts",
    "rebuild",
    "tensors_of",
]

MOST_SHAPES = 6
"""That a message tells."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands in a skeleton where tensor number ``index`` was."""

    index: int


def _map(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """Return ``value`` rebuilt with ``leaf`` applied to everything that is not a container."""
    if isinstance(value, Slot | Tensor):
        return leaf(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_map(item, leaf) for item in value))
    if isinstance(value, tuple | list):
        return type(value)(_map(item, leaf) for item in value)
    if isinstance(value, Mapping):
        return _map_mapping(value, leaf)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        twin = copy.copy(value)
        for field in dataclasses.fields(value):
            # object.__setattr__: a frozen dataclass's twin is still being built here
            object.__setattr__(twin, field.name, _map(getattr(value, field.name), leaf))
        return twin
    return leaf(value)


def _map_mapping(value: Mapping[Any, Any], leaf: Callable[[Any], Any]) -> Any:
    items = {key: _map(item, leaf) for key, item in value.items()}
    if type(value) is dict:
        return items
    if dataclasses.is_dataclass(value):  # transformers' ModelOutput: a dictionary and a dataclass
        return type(value)(**items)
    twin: Any = copy.copy(value)
    for key, item in items.items():
        twin[key] = item
    return twin


def map_tensors(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Return ``value`` with ``function`` applied to every tensor in it; the original stays as it was."""
    return _map(value, lambda item: function(item) if isinstance(item, Tensor) else item)


def flatten(value: Any) -> tuple[list[Tensor], Any]:
    """Return the tensors of ``value`` in order, and its skeleton with a :class:`Slot` for each.

    Examples
    --------
    >>> tensors, skeleton = flatten({"a": torch.zeros(2), "b": 3})
    >>> skeleton
    {'a': Slot(index=0), 'b': 3}
    """
    tensors: list[Tensor] = []

    def take(item: Any) -> Any:
        if not isinstance(item, Tensor):
            return item
        tensors.append(item)
        return Slot(len(tensors) - 1)

    return tensors, _map(value, take)


def rebuild(skeleton: Any, tensors: list[Tensor]) -> Any:
    """Return the value that :func:`flatten` took apart, with these ``tensors`` in its slots."""
    if isinstance(skeleton, Slot):  # the most frequent answer, and a small network notices the walk
        return tensors[skeleton.index]
    return _map(skeleton, lambda item: tensors[item.index] if isinstance(item, Slot) else item)


def tensors_of(value: Any) -> list[Tensor]:
    """Return the tensors of ``value`` in order."""
    return flatten(value)[0]


def plain_parts(tensor: Tensor) -> Iterator[Tensor]:
    """Yield the plain tensors that a tensor subclass is made of, at any depth; of a plain one, itself."""
    if not is_traceable_wrapper_subclass(tensor):
        yield tensor
        return
    for name in tensor.__tensor_flatten__()[0]:
        yield from plain_parts(getattr(tensor, name))


def constants_of(value: Any) -> list[Any]:
    """Return everything in ``value`` that is neither a container nor a tensor, in order."""
    constants: list[Any] = []

    def take(item: Any) -> Any:
        if not isinstance(item, Tensor):
            constants.append(item)
        return item

    _map(value, take)
    return constants


def described(value: Any) -> str:
    """Return the first few of :func:`describe` in one line, and how many more there are."""
    shapes = describe(value)
    more = f" and {len(shapes) - MOST_SHAPES} more tensors" if len(shapes) > MOST_SHAPES else ""
    return ", ".join(shapes[:MOST_SHAPES]) + more


def describe(value: Any) -> tuple[str, ...]:
    """Return ``dtype[shape]`` of each tensor, such as ``float32[1, 3, 224, 224]``."""
    return tuple(
        f"{str(tensor.dtype).removeprefix('torch.')}[{', '.join(map(str, tensor.shape))}]"
        for tensor in tensors_of(value)
    )
