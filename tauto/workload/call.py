"""One call of a model: its positional and keyword arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tauto.errors import InvalidArgument, a_kind
from tauto.workload.structure import describe, tensors_of

__all__ = ["LABELS", "Call", "call_from_batch", "call_from_inputs", "label_of", "same_call"]

LABELS = ("labels", "label", "targets", "target")
"""Keys of a dict batch that are no inputs."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """The arguments of one call.

    Parameters
    ----------
    args : tuple
        Positional arguments, of any nesting.
    kwargs : dict
        Keyword arguments, of any nesting.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)

    def __call__(self, model: nn.Module) -> Any:
        """Call ``model`` with these arguments."""
        return model(*self.args, **self.kwargs)

    @property
    def tensors(self) -> list[Tensor]:
        """Every tensor of the arguments, in order."""
        return tensors_of((self.args, self.kwargs))

    @property
    def shapes(self) -> tuple[str, ...]:
        """``dtype[shape]`` of every tensor."""
        return describe((self.args, self.kwargs))

    @property
    def batch(self) -> int:
        """Samples in this call: the first dimension of the first tensor that has one, else 1."""
        return next((tensor.shape[0] for tensor in self.tensors if tensor.ndim), 1)


def call_from_inputs(inputs: Any) -> Call:
    """Return the call that ``inputs`` means: a tensor, a tuple of arguments, or a dict of keyword arguments.

    Raises
    ------
    InvalidArgument
        When ``inputs`` is none of these or holds no tensor.
    """
    if isinstance(inputs, Call):
        call = inputs
    elif isinstance(inputs, Mapping) and all(isinstance(key, str) for key in inputs):
        call = Call((), dict(inputs))
    elif isinstance(inputs, Tensor):
        call = Call((inputs,))
    elif isinstance(inputs, tuple | list):
        call = Call(tuple(inputs))
    else:
        raise InvalidArgument(
            f"inputs: {a_kind(inputs)} is not model inputs. Give a tensor, a tuple of arguments, "
            "or a dict of keyword arguments."
        )
    if not call.tensors:
        raise InvalidArgument("inputs: there is no tensor in them. Give what you would call the model with.")
    return call


def call_from_batch(batch: Any, model: nn.Module, example: Call | None) -> Call:
    """Return the call that a batch of ``data`` means for this model; labels are dropped.

    A dict keeps the keys that ``forward`` (or the example call) takes. Of a tuple the first as many items
    are kept as the example call has arguments, or as ``forward`` requires.
    """
    if isinstance(batch, Mapping):
        if example is not None and example.kwargs:
            return Call((), {key: batch[key] for key in example.kwargs if key in batch})
        named, takes_any = _keyword_names(model)
        return Call((), {k: v for k, v in batch.items() if (takes_any or k in named) and k not in LABELS})
    if isinstance(batch, tuple | list):
        return Call(tuple(batch[: _argument_count(model, example)]))
    if not isinstance(batch, Tensor | Call):
        raise InvalidArgument(
            f"data: {a_kind(batch)} is no batch. Give tensors, tuples such as (inputs, labels), or dicts."
        )
    return call_from_inputs(batch)


def label_of(batch: Any, model: nn.Module, example: Call | None) -> Any:
    """Return what :func:`call_from_batch` leaves of a batch: its label, a tuple of several, or None without any."""
    if isinstance(batch, Mapping):
        return next((batch[key] for key in LABELS if key in batch), None)
    rest = tuple(batch[_argument_count(model, example) :]) if isinstance(batch, tuple | list) else ()
    return rest[0] if len(rest) == 1 else rest or None


def same_call(one: Call, other: Call) -> bool:
    """Return whether two calls have equal tensors."""
    mine, its = one.tensors, other.tensors
    return len(mine) == len(its) and all(
        a.shape == b.shape and a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)
        for a, b in zip(mine, its, strict=True)
    )


def _parameters(model: nn.Module) -> Sequence[inspect.Parameter]:
    try:
        return list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError):  # a scripted or built-in forward has no signature
        return []


def _keyword_names(model: nn.Module) -> tuple[set[str], bool]:
    parameters = _parameters(model)
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    return {parameter.name for parameter in parameters}, takes_any


def _argument_count(model: nn.Module, example: Call | None) -> int:
    return max(1, len(example.args) if example is not None and example.args else _required_positional(model))


def _required_positional(model: nn.Module) -> int:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in _parameters(model))
