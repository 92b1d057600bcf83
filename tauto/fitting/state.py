"""A model's values: taken, put back, looked at; and a model lent for training, with what belongs to its owner kept."""

from __future__ import annotations

import copy
import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from tauto.errors import ModelError
from tauto.workload.structure import plain_parts

__all__ = ["Values", "copied", "digest", "finite", "lent", "put", "put_random", "switched", "take", "take_random"]

Values: TypeAlias = dict[str, Tensor]


def take(module: nn.Module) -> Values:
    """Return a copy of every parameter and buffer, those that no state dictionary holds too; tied ones once."""
    return {name: tensor.detach().clone() for name, tensor in _tensors(module)}


def put(module: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Give every parameter and buffer its value of ``values`` back, in place."""
    with torch.no_grad():
        for name, tensor in list(_tensors(module)):
            value = values.get(name, tensor)
            if tensor.shape == value.shape:
                tensor.copy_(value)
            else:  # an observer's buffer grows when it first sees data
                owner, _, last = name.rpartition(".")
                value = value.to(tensor.device, copy=True)
                kept = nn.Parameter(value, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else value
                setattr(module.get_submodule(owner), last, kept)


def finite(module: nn.Module) -> bool:
    """Return whether every parameter is free of NaN and infinity."""
    floating = (parameter for parameter in module.parameters() if parameter.is_floating_point())
    return all(bool(torch.isfinite(parameter.detach()).all()) for parameter in floating)


def digest(tensors: Iterable[Tensor]) -> str:
    """Return a short digest of the tensors' kinds and bytes."""
    found = hashlib.blake2b(digest_size=16)
    for tensor in tensors:
        for part in plain_parts(tensor.detach()):
            found.update(f"{part.dtype}{tuple(part.shape)}".encode())
            found.update(part.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


def copied(model: nn.Module) -> nn.Module:
    """Return a copy that shares nothing with ``model``.

    Raises
    ------
    ModelError
        When the model cannot be copied.
    """
    # what a hook computes before each call, as torch.nn.utils.prune's do, is no leaf, and those refuse to be copied
    computed = [value for module in model.modules() for value in vars(module).values() if isinstance(value, Tensor)]
    try:
        return copy.deepcopy(model, {id(each): each.detach().clone() for each in computed if not each.is_leaf})
    except Exception as error:  # a model's own attributes decide what is raised here
        raise ModelError(
            f"model: {type(model).__name__} cannot be copied ({type(error).__name__}: {error}). "
            "Give a copy of your own, and in_place=True."
        ) from error


@contextmanager
def switched(module: nn.Module, *, training: bool) -> Iterator[None]:
    """Run the block with ``module`` in the mode, by its own ``train()``; then every submodule has its own back."""
    modes = [(each, each.training) for each in module.modules()]
    module.train(training)
    try:
        yield
    finally:
        module.train(modes[0][1])
        for each, mode in modes:
            each.training = mode


@contextmanager
def lent(model: nn.Module) -> Iterator[None]:
    """Run the block with ``model`` free to be trained; modes, gradients and what requires one come back."""
    parameters = [(parameter, parameter.grad, parameter.requires_grad) for parameter in model.parameters()]
    for parameter, _, _ in parameters:
        parameter.grad = None
    try:
        with torch.inference_mode(False), torch.enable_grad(), switched(model, training=True):
            yield
    finally:
        for parameter, gradient, requires in parameters:
            parameter.requires_grad_(requires)
            parameter.grad = gradient


def take_random() -> dict[str, Any]:
    """Return Python's, numpy's and torch's random states, in kinds that ``torch.load`` reads without running code."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(np.asarray(keys).view(np.int32).copy()), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],  # type: ignore[no-untyped-call]
    }


def put_random(states: Mapping[str, Any]) -> None:
    """Set the random states that :func:`take_random` returned."""
    random.setstate(states["python"])
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, keys.numpy().view(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()
