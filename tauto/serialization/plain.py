"""Plain values as JSON and back: numbers, truth values, strings, None, dtypes, and tuples and lists of them."""

from __future__ import annotations

import math
from typing import Any

import torch

from tauto.errors import a_kind

__all__ = ["NotPlain", "decode", "encode"]

_SCALARS = (bool, int, str, type(None))
_SEQUENCES: dict[str, Any] = {"tuple": tuple, "list": list, "size": torch.Size}
_DTYPES = {str(value).removeprefix("torch."): value for value in vars(torch).values() if isinstance(value, torch.dtype)}
_LARGEST = 2**63
_LONGEST = 10_000
_DEEPEST = 8


class NotPlain(ValueError):
    """A value that is not of these kinds."""


def encode(value: Any, depth: int = 0) -> Any:
    """Return ``value`` as JSON that tells its kind; ``depth`` counts the sequences that it lies in.

    Raises
    ------
    NotPlain
        When it is of another kind (subclasses are: an enum is more than its number), very long, or nested without end.

    Examples
    --------
    >>> encode((3, 3))
    {'tuple': [3, 3]}
    """
    if type(value) in _SCALARS and not (type(value) is str and len(value) > _LONGEST):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    for name, kind in _SEQUENCES.items():
        if type(value) is kind and len(value) <= _LONGEST and depth < _DEEPEST:
            return {name: [encode(item, depth + 1) for item in value]}
    raise NotPlain(a_kind(value))


def decode(data: Any) -> Any:
    """Return the value that :func:`encode` wrote.

    Raises
    ------
    NotPlain
        When it is none that it writes.
    """
    if type(data) is str and len(data) > _LONGEST:
        raise NotPlain(f"a text of {len(data)} characters")
    if type(data) is int and abs(data) >= _LARGEST:
        raise NotPlain("a whole number beyond 64 bits")
    if type(data) in (*_SCALARS, float):
        return data
    if isinstance(data, dict) and len(data) == 1:
        (name, inner), *_ = data.items()
        if name == "float" and inner in ("inf", "-inf", "nan"):
            return float(inner)
        if name == "dtype" and isinstance(inner, str) and inner in _DTYPES:
            return _DTYPES[inner]
        if name in _SEQUENCES and isinstance(inner, list):
            return _sequence(name, inner)
    raise NotPlain(f"{str(data)[:60]!r}")


def _sequence(name: str, inner: list[Any]) -> Any:
    items = [decode(item) for item in inner]
    if name == "size" and not all(type(item) is int for item in items):
        raise NotPlain("a shape of other than whole numbers")
    return _SEQUENCES[name](items)
