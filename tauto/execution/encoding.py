"""The structure of what a model returns, in JSON, rebuilt from known classes only.

What comes from a child process is never unpickled: it may have run anything.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from tauto.errors import ModelError
from tauto.workload.structure import Slot

__all__ = ["classes_in", "decode", "encode"]

_PLAIN = (bool, int, float, str, type(None))
_CONTAINERS: dict[str, type] = {"list": list, "tuple": tuple, "Size": torch.Size}


def encode(skeleton: Any) -> Any:
    """Return ``skeleton``, of :func:`tauto.workload.structure.flatten`, in what JSON can say.

    Raises
    ------
    ModelError
        When it holds an object that is neither a container nor plain.
    """
    if isinstance(skeleton, Slot):
        return {"slot": skeleton.index}
    if type(skeleton) in _PLAIN:
        return {"plain": skeleton}
    if type(skeleton) in _CONTAINERS.values():
        return {type(skeleton).__name__: [encode(item) for item in skeleton]}
    if isinstance(skeleton, Mapping) or hasattr(skeleton, "_fields") or dataclasses.is_dataclass(skeleton):
        items = [[encode(name), encode(item)] for name, item in _items(skeleton)]
        return {"class": _name(type(skeleton)), "items": items}
    raise ModelError(
        f"The model returns a {_name(type(skeleton))}, which cannot come back from the process it runs in. "
        "Return tensors, in tuples, dictionaries or dataclasses."
    )


def decode(data: Any, known: Mapping[str, type]) -> Any:
    """Return the skeleton that :func:`encode` told in JSON; ``known`` are the classes that it may name."""
    if "slot" in data:
        return Slot(int(data["slot"]))
    if "plain" in data:
        return data["plain"]
    if "class" in data:
        items = [(decode(name, known), decode(item, known)) for name, item in data["items"]]
        return _build(data["class"], items, known)
    ((kind, items),) = data.items()
    return _CONTAINERS[kind](decode(item, known) for item in items)


def classes_in(value: Any) -> dict[str, type]:
    """Return the classes of the containers in ``value``, by the names under which they are sent."""
    classes: dict[str, type] = {_name(kind): kind for kind in (dict, OrderedDict)}
    for part in _containers(value):
        classes[_name(type(part))] = type(part)
    return classes


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _items(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    names = getattr(value, "_fields", None) or [field.name for field in dataclasses.fields(value)]
    return [(name, getattr(value, name)) for name in names]


def _containers(value: Any) -> Iterator[Any]:
    if type(value) in _CONTAINERS.values():
        for item in value:
            yield from _containers(item)
    elif isinstance(value, Mapping) or hasattr(value, "_fields") or dataclasses.is_dataclass(value):
        yield value
        for _, item in _items(value):
            yield from _containers(item)


def _build(name: str, items: list[tuple[Any, Any]], known: Mapping[str, type]) -> Any:
    kind: Any = known.get(name)
    if kind is None:
        raise ModelError(f"The model returned a {name}, which the original did not: it is not rebuilt here.")
    if issubclass(kind, Mapping):
        fields = dict(items)  # transformers' ModelOutput is a mapping and a dataclass
        return kind(**fields) if "__dataclass_fields__" in vars(kind) else kind(fields)
    if hasattr(kind, "_fields"):
        return kind(**dict(items))
    value = object.__new__(kind)
    for field, item in items:
        object.__setattr__(value, field, item)  # also of a frozen dataclass
    return value
