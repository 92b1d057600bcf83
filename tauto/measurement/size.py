"""How many bytes of a model must be shipped, and how many parameters it has."""

from __future__ import annotations

import io
from collections.abc import Hashable

import torch
from torch import Tensor, nn

from tauto.workload.structure import plain_parts, tensors_of

__all__ = ["parameter_count", "size_bytes"]


def size_bytes(model: nn.Module) -> int:
    """Return the bytes that must be shipped to use ``model``.

    The artefact's size where the model says one (``model.shipped_bytes``), else its state dictionary's: weights
    that are tied count once, and quantized tensors count what they hold (values, scales, zero points).
    """
    shipped = getattr(model, "shipped_bytes", None)
    if shipped is not None:
        return int(shipped)
    sizes: dict[Hashable, int] = {}
    for tensor in tensors_of(dict(model.state_dict())):
        for part in plain_parts(tensor):
            sizes[_identity(part)] = _bytes(part)
    return sum(sizes.values())


def parameter_count(model: nn.Module) -> int:
    """Return the number of parameters; tied ones count once. An engine's artefact has none of its own."""
    return sum(parameter.numel() for parameter in model.parameters())


def _plain(tensor: Tensor) -> bool:
    return tensor.layout is torch.strided and not tensor.is_quantized


def _identity(tensor: Tensor) -> Hashable:
    if not _plain(tensor):
        return id(tensor)
    return tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride()


def _bytes(tensor: Tensor) -> int:
    if _plain(tensor):
        return tensor.numel() * tensor.element_size()
    saved = io.BytesIO()  # sparse and quantized tensors carry indices or scales beside their values
    torch.save(tensor, saved)
    return saved.tell()
