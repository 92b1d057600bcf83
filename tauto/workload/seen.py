"""The models that a profiled cell called, with the inputs it called them with.

The next verb on such a model then needs no ``inputs``. Models are held weakly; inputs are kept as detached
copies, up to :data:`MAX_SAMPLES` samples and :data:`MAX_BYTES` a model.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from tauto.workload.call import Call, same_call
from tauto.workload.structure import map_tensors

__all__ = ["MAX_BYTES", "MAX_SAMPLES", "calls_of", "forget", "last_model", "remember"]

MAX_SAMPLES = 128
MAX_BYTES = 256 * 2**20

_calls: weakref.WeakKeyDictionary[nn.Module, list[Call]] = weakref.WeakKeyDictionary()
_last: weakref.ref[nn.Module] | None = None


def _bytes(call: Call) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in call.tensors)


def remember(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Keep a copy of the arguments of one call; return whether more of them are wanted."""
    global _last
    _last = weakref.ref(model)
    kept = _calls.setdefault(model, [])
    call = Call(tuple(args), dict(kwargs))
    if any(same_call(known, call) for known in kept):
        return True  # the same again says nothing new; another may follow
    samples = sum(known.batch for known in kept)
    if not call.tensors or samples >= MAX_SAMPLES:
        return samples < MAX_SAMPLES
    if kept and sum(map(_bytes, kept)) + _bytes(call) > MAX_BYTES:
        return False

    def detached(tensor: Tensor) -> Tensor:
        return tensor.detach().clone()

    kept.append(Call(map_tensors(detached, call.args), map_tensors(detached, call.kwargs)))
    return samples + call.batch < MAX_SAMPLES


def forget(model: nn.Module) -> None:
    """Drop what was remembered of ``model``, as a new profile of it begins."""
    _calls.pop(model, None)


def calls_of(model: nn.Module) -> tuple[Call, ...]:
    """Return the remembered calls of ``model``, oldest first."""
    return tuple(_calls.get(model, ()))


def last_model() -> nn.Module | None:
    """Return the model last seen in a profiled cell, while it is alive."""
    return _last() if _last is not None else None
