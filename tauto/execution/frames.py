"""One message with tensors as bytes: a header in JSON, then the tensors' own bytes one after the other."""

from __future__ import annotations

import json
import struct
from typing import Any

import torch
from torch import Tensor

from tauto.errors import ModelError

__all__ = ["pack", "unpack"]

_LENGTH = struct.Struct("!Q")
_ALIGNMENT = 64


def pack(header: dict[str, Any], tensors: list[Tensor]) -> bytes:
    """Return ``header`` (what JSON can say) and ``tensors`` as bytes for :func:`unpack`.

    Raises
    ------
    ModelError
        When a tensor is sparse or quantized.
    """
    parts = [_bytes(tensor) for tensor in tensors]
    about = [
        {"dtype": str(tensor.dtype), "shape": list(tensor.shape), "device": str(tensor.device)} for tensor in tensors
    ]
    head = json.dumps(header | {"tensors": about}).encode()
    head += b" " * (-(len(head) + _LENGTH.size) % _ALIGNMENT)
    return b"".join([_LENGTH.pack(len(head)), head, *(part + bytes(-len(part) % _ALIGNMENT) for part in parts)])


def unpack(content: bytes) -> tuple[dict[str, Any], list[Tensor]]:
    """Return the header and the tensors of :func:`pack`; nothing else is ever made of the bytes."""
    buffer = bytearray(content)  # the tensors live in it and may be written to
    start = _LENGTH.size + _LENGTH.unpack_from(buffer)[0]
    header = json.loads(buffer[_LENGTH.size : start])
    tensors = []
    for about in header.pop("tensors"):
        dtype = getattr(torch, about["dtype"].removeprefix("torch."))
        count = torch.Size(about["shape"]).numel()
        flat = (
            torch.frombuffer(buffer, dtype=dtype, count=count, offset=start) if count else torch.empty(0, dtype=dtype)
        )
        tensors.append(flat.view(about["shape"]).to(about["device"]))
        start += -(-count * dtype.itemsize // _ALIGNMENT) * _ALIGNMENT
    return header, tensors


def _bytes(tensor: Tensor) -> bytes:
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise ModelError("A sparse or quantized tensor cannot be sent to or from an isolated model.")
    plain = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
    return plain.view(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""
