"""How many bytes a key-value cache holds, by the shapes of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

__all__ = ["cache_bytes"]

_DEPTH = 6


def cache_bytes(cache: Any) -> int:
    """Return the bytes of every tensor in ``cache``, each storage once.

    Looked into are containers and the attributes of objects, as those of transformers' caches.

    Examples
    --------
    >>> import torch
    >>> cache_bytes([(torch.zeros(1, 2, 10, 4), torch.zeros(1, 2, 10, 4))])
    640
    """
    found: dict[int, int] = {}
    _gather(cache, found, set(), _DEPTH)
    return sum(found.values())


def _gather(value: Any, found: dict[int, int], seen: set[int], depth: int) -> None:
    if isinstance(value, Tensor):
        if value.numel():
            found[value.data_ptr()] = max(found.get(value.data_ptr(), 0), value.numel() * value.element_size())
        return
    if depth == 0 or id(value) in seen or isinstance(value, str | bytes | int | float | type(None) | type):
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        parts = list(value.values())
    elif isinstance(value, list | tuple):
        parts = list(value)
    else:
        parts = list(vars(value).values()) if hasattr(value, "__dict__") else []
    for part in parts:
        _gather(part, found, seen, depth - 1)
