"""The tensors of a model in one safetensors file: tied ones once, quantized ones in their parts."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from tauto.errors import CandidateFailed, a_kind
from tauto.serialization.architecture import WEIGHTS, Stored, Weights, sha256
from tauto.serialization.plain import NotPlain, decode
from tauto.serialization.skeleton import Place, join, own_tensors

__all__ = ["load_tensors", "save_tensors", "tensors_of_model"]

_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
_PART = "//"
"""Stands between the name of a quantized tensor and that of its part."""
_TORCHAO = "w.w"
"""The name under which one tensor passes through torchao's functions, which want a path of two parts."""


def tensors_of_model(model: nn.Module) -> dict[str, tuple[Place, Tensor]]:
    """Return every tensor of ``model`` by its name; modules that stand there twice count at their first path."""
    found: dict[str, tuple[Place, Tensor]] = {}
    for path, module in model.named_modules():
        for name, (place, tensor) in own_tensors(module).items():
            found[join(path, name)] = (place, tensor)
    return found


def save_tensors(tensors: Mapping[str, tuple[Place, Tensor]], folder: Path) -> tuple[dict[str, Stored], Weights]:
    """Write ``tensors`` and return what must be known to read them.

    Raises
    ------
    CandidateFailed
        When one is of a kind that is not kept; the message names it.
    """
    from safetensors.torch import save_file  # imported here: not every use of torch writes

    stored: dict[str, Stored] = {}
    parts: dict[str, Tensor] = {}
    first: dict[Hashable, str] = {}
    for name, (place, tensor) in tensors.items():
        data = _checked(tensor, name)
        form: dict[str, Any] = {"place": place, "dtype": _dtype(data), "shape": list(data.shape)}
        known = first.setdefault(_identity(data), name)
        if known != name:
            stored[name] = Stored(**form, tied_to=known)
            continue
        if is_traceable_wrapper_subclass(data):
            pieces, form["subclass"] = _taken_apart(data, name)
            parts |= {name + _PART + part: piece for part, piece in pieces.items()}
        else:
            parts[name] = data
            form["channels_last"] = _is_channels_last(data)
        stored[name] = Stored(**form)
    path = folder / WEIGHTS
    # a copy of each: views of one storage are refused
    save_file({key: part.cpu().contiguous().clone() for key, part in parts.items()}, path)
    return stored, Weights(sha256=sha256(path), bytes=path.stat().st_size)


def load_tensors(stored: Mapping[str, Stored], weights: Weights, folder: Path) -> dict[str, Tensor]:
    """Return the tensors that ``stored`` describes, on the CPU; tied ones are the same object.

    Raises
    ------
    CandidateFailed
        When the file is damaged or holds something else; the message names the tensor.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / WEIGHTS
    if not path.is_file():
        raise CandidateFailed(f"there is no {WEIGHTS} beside the description")
    if path.stat().st_size != weights.bytes or sha256(path) != weights.sha256:
        raise CandidateFailed(f"{WEIGHTS} is damaged or of another model: its digest is another")
    try:
        with safe_open(path, framework="pt") as file:
            # a copy: what is mapped changes with the file
            parts = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118  # it is no mapping
    except SafetensorError as error:
        raise CandidateFailed(f"{WEIGHTS} cannot be read: {error}") from None
    found: dict[str, Tensor] = {}
    for name, form in stored.items():
        found[name] = _put_together(name, form, parts) if form.tied_to is None else _tied(name, form.tied_to, found)
        if list(found[name].shape) != form.shape or _dtype(found[name]) != form.dtype:
            raise CandidateFailed(f"tensor {name}: {WEIGHTS} has another shape or type than the description says")
    if parts:
        raise CandidateFailed(f"tensor {next(iter(parts))}: {WEIGHTS} has it and the description does not")
    return found


def _checked(tensor: Tensor, name: str) -> Tensor:
    if torch.nn.parameter.is_lazy(tensor):
        raise CandidateFailed(f"tensor {name}: it has no values yet. Call the model once")
    if tensor.is_meta:
        raise CandidateFailed(f"tensor {name}: it has no values (meta device)")
    if tensor.layout is not torch.strided or tensor.is_quantized:
        raise CandidateFailed(f"tensor {name}: sparse and torch.ao.quantization tensors are not kept")
    return tensor.detach()


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _identity(tensor: Tensor) -> Hashable:
    if is_traceable_wrapper_subclass(tensor):
        return tuple(_identity(getattr(tensor, name)) for name in tensor.__tensor_flatten__()[0])
    if tensor.numel() == 0:
        return object()
    return tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride(), tensor.device


def _is_channels_last(tensor: Tensor) -> bool:
    # of a single channel torch calls both layouts contiguous, and yet chooses its kernels by the strides
    if tensor.ndim not in _CHANNELS_LAST or tensor.stride() == torch.empty(tensor.shape, device="meta").stride():
        return False
    return tensor.stride() == _channels_last(tensor).stride()


def _channels_last(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, memory_format=_CHANNELS_LAST[tensor.ndim]).copy_(tensor)


def _taken_apart(tensor: Tensor, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    flatten, _ = _torchao()
    try:
        parts, said = flatten({_TORCHAO: tensor})
    except (ValueError, TypeError, AttributeError) as error:
        raise CandidateFailed(f"tensor {name}: {a_kind(tensor)} is not kept: {error}") from None
    return {key.partition("._w_")[2]: part for key, part in parts.items()}, json.loads(said[_TORCHAO])


def _put_together(name: str, form: Stored, parts: dict[str, Tensor]) -> Tensor:
    if form.subclass is not None:
        return _quantized(name, form.subclass, parts)
    if name not in parts:
        raise CandidateFailed(f"tensor {name}: it is not in {WEIGHTS}")
    tensor = parts.pop(name)
    return _channels_last(tensor) if form.channels_last and tensor.ndim in _CHANNELS_LAST else tensor


def _tied(name: str, other: str, found: Mapping[str, Tensor]) -> Tensor:
    if other not in found:
        raise CandidateFailed(f"tensor {name}: it is tied to {other[:80]}, which does not come before it")
    return found[other]


def _quantized(name: str, said: dict[str, Any], parts: dict[str, Tensor]) -> Tensor:
    """Return the tensor that torchao makes of these parts: it names the classes that it allows."""
    _, unflatten = _torchao()
    mine = {key: parts.pop(key) for key in list(parts) if key.startswith(name + _PART)}
    pieces = {"w._w_" + key.removeprefix(name + _PART): part for key, part in mine.items()}
    try:
        _check_dtypes(said)
        tensors, left = unflatten(pieces, {_TORCHAO: json.dumps(said), "tensor_names": json.dumps([_TORCHAO])})
        tensor: Tensor = tensors[_TORCHAO]
    except Exception as error:  # whatever torchao makes of a stranger's words
        raise CandidateFailed(f"tensor {name}: torchao refuses it: {type(error).__name__}: {error}") from error
    if left or type(tensor) is Tensor:
        raise CandidateFailed(f"tensor {name}: its parts are not those of a quantized tensor")
    return tensor


def _check_dtypes(said: Any) -> None:
    """Refuse what torchao would look up by name in torch and is no dtype there."""
    if isinstance(said, dict):
        if said.get("_type") == "torch.dtype":
            try:
                decode({"dtype": said.get("_data")})
            except NotPlain as error:
                raise ValueError(f"{error} is no dtype") from None
        said = list(said.values())
    for value in said if isinstance(said, list) else ():
        _check_dtypes(value)


def _torchao() -> tuple[Any, Any]:
    disabled = logging.root.manager.disable
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.disable(logging.CRITICAL)  # it tells of extensions that it cannot load, and torch of it
            from torchao.prototype.safetensors.safetensors_support import (
                flatten_tensor_state_dict,
                unflatten_tensor_state_dict,
            )
    except ImportError as error:
        raise CandidateFailed(f"quantized tensors need torchao: {error}") from error
    finally:
        logging.disable(disabled)
    return flatten_tensor_state_dict, unflatten_tensor_state_dict
