"""What an engine was prepared for: the structure of a call, its shapes and types, and of the answer."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tauto.errors import ModelError
from tauto.workload.structure import flatten

__all__ = ["BATCH", "Parameters", "Signature", "TensorSpec", "by_name", "parameters_of"]

BATCH = "batch"
"""Name of the free dimension that counts samples."""

Parameters = tuple[tuple[str, Any], ...]
"""Name and default of each parameter of ``forward`` that may be given by position or by name."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Type and shape of a tensor; a dimension given by a name is free."""

    dtype: torch.dtype
    shape: tuple[int | str, ...]

    def takes(self, tensor: Tensor) -> bool:
        """Return whether ``tensor`` is of this type and, where the dimensions are fixed, of this shape."""
        return (
            tensor.dtype == self.dtype
            and tensor.ndim == len(self.shape)
            and all(isinstance(mine, str) or mine == its for mine, its in zip(self.shape, tensor.shape, strict=True))
        )

    def __str__(self) -> str:
        return f"{str(self.dtype).removeprefix('torch.')}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True, slots=True)
class Signature:
    """What goes into an engine and what comes out of it.

    Parameters
    ----------
    inputs : tuple of TensorSpec
        Of every tensor of the call, in order; size of the batch in ``inputs[i].shape[0]`` when it is fixed.
    structure : Any
        Skeleton of the call's arguments, by name where they have one.
    parameters : Parameters
        Of ``forward``, so that a call by position is the same as one by name.
    outputs : tuple of torch.dtype
        Of every tensor of the answer.
    answer : Any
        Skeleton of the answer.
    batched : tuple of int
        Which inputs have the samples in dimension 0.
    per_sample : bool
        Whether the original was seen to answer each sample alone as it does in a batch.
    """

    inputs: tuple[TensorSpec, ...]
    structure: Any
    parameters: Parameters
    outputs: tuple[torch.dtype, ...]
    answer: Any
    batched: tuple[int, ...]
    per_sample: bool

    @property
    def batch(self) -> int | None:
        """Samples of a call when their number is fixed, else None."""
        sizes = [self.inputs[index].shape[0] for index in self.batched]
        return next((size for size in sizes if isinstance(size, int)), None)

    @property
    def batching(self) -> str:
        """How calls of other batch sizes are answered, in words."""
        if self.batch is None:
            return "any batch size" if self.batched else "no batch dimension"
        pieces = f"batch {self.batch}; other sizes "
        return pieces + (f"in pieces of {self.batch}" if self.per_sample else "refused")

    @property
    def accepted(self) -> str:
        """The inputs in words, such as ``float32[batch, 3, 224, 224]``."""
        return ", ".join(map(str, self.inputs))

    def tensors(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
        """Return the tensors of a call, in the order of :attr:`inputs`.

        Raises
        ------
        ModelError
            When the call is not of the structure that was prepared.
        """
        tensors, structure = flatten(by_name(self.parameters, args, kwargs))
        if not _same(structure, self.structure):
            raise ModelError(
                "inputs: the call has other arguments than this model was prepared for. It takes "
                f"{self.accepted} as {_spelled(self.structure)}, not {_spelled(structure)}. Optimize the original "
                "again with inputs= like these."
            )
        return tensors

    def check(self, tensors: Sequence[Tensor]) -> None:
        """Raise when these tensors are not of the prepared types and shapes.

        Raises
        ------
        ModelError
            It names what is accepted.
        """
        fits = len(tensors) == len(self.inputs) and all(map(TensorSpec.takes, self.inputs, tensors))
        if fits and len({tensors[index].shape[0] for index in self.batched}) <= 1:
            return
        got = ", ".join(str(TensorSpec(tensor.dtype, tuple(tensor.shape))) for tensor in tensors)
        raise ModelError(
            f"inputs: this model was prepared for {self.accepted}, not {got}. Optimize the original again with "
            "inputs= of this kind, or with data= that has every shape you need."
        )


def parameters_of(model: nn.Module) -> Parameters:
    """Return the parameters of ``model.forward`` by name, or none where some go by position only."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):  # a scripted or built-in forward has no signature
        return ()
    if any(one.kind in (one.VAR_POSITIONAL, one.POSITIONAL_ONLY) for one in parameters):
        return ()
    return tuple((one.name, _plain(one.default)) for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD)


def by_name(
    parameters: Parameters, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the call with its arguments by name, in one order, and without those that are plain defaults."""
    defaults = dict(parameters)
    named = {**dict(zip(defaults, args, strict=False)), **kwargs}
    order = [name for name in defaults if name in named] + sorted(named.keys() - defaults.keys())
    kept = {name: named[name] for name in order if name not in defaults or not _same(named[name], defaults[name])}
    return args[len(defaults) :], kept


def _plain(default: Any) -> Any:
    return default if default is None or isinstance(default, bool | int | float | str) else inspect.Parameter.empty


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one is other or bool(one == other)


def _spelled(structure: Any) -> str:
    args, kwargs = structure
    parts = [repr(value) for value in args] + [f"{name}={value!r}" for name, value in kwargs.items()]
    return "(" + ", ".join(parts).replace("Slot(index=", "tensor(") + ")"
