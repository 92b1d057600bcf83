"""What a model tells of itself that decides how it can be quantized."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import torch
from torch import nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from tauto.techniques.proof import proved
from tauto.techniques.technique import Applicability
from tauto.workload import Call, Workload

__all__ = ["already_quantized", "few_names", "linear_applies", "recurrent_applies", "unreached"]

_WEIGHTS = (torch.int8, torch.uint8, torch.float8_e4m3fn, torch.float8_e5m2)
_MOST_NAMES = 8
_MODULES = ("torch.ao.nn.", "torchao.", "bitsandbytes.")


def already_quantized(model: nn.Module) -> str:
    """Return which layer of ``model`` is quantized already, and as what; empty when none is.

    Examples
    --------
    >>> already_quantized(nn.Linear(2, 2))
    ''
    """
    for path, module in model.named_modules():
        name = repr(path) if path else "itself"
        if type(module).__module__.startswith(_MODULES):
            return f"{name} (a {type(module).__name__})"
        for tensor in module._parameters.values():
            if tensor is None:
                continue
            if is_traceable_wrapper_subclass(tensor.data) or tensor.is_quantized or tensor.dtype in _WEIGHTS:
                kind = str(tensor.dtype).removeprefix("torch.")
                kind = type(tensor.data).__name__ if is_traceable_wrapper_subclass(tensor.data) else kind
                return f"{name} ({kind} weights)"
    return ""


def linear_applies(workload: Workload) -> Applicability:
    """Say whether torchao finds linear layers in float32 to quantize, and they are what the model consists of."""
    model = workload.model
    if layer := already_quantized(model):
        return Applicability.no(f"the model is quantized already: its layer {layer}")
    if not (answer := recurrent_applies(model)).applies:
        return answer
    layers = [module for module in model.modules() if type(module) is nn.Linear]
    if not layers:
        return Applicability.no("the model has no plain linear layer, and only those are quantized")
    if not any(layer.weight.dtype == torch.float32 for layer in layers):
        return Applicability.no("its linear layers are not in float32")
    return Applicability.yes()


def recurrent_applies(model: nn.Module) -> Applicability:
    """Say, by name, where recurrent layers hold most of the weights: torchao leaves them as they are."""
    recurrent = {path: module for path, module in model.named_modules() if isinstance(module, nn.RNNBase)}
    total = sum(tensor.numel() for tensor in model.parameters())
    held = sum(tensor.numel() for module in recurrent.values() for tensor in module.parameters())
    if 2 * held <= total:
        return Applicability.yes()
    path, module = next(iter(recurrent.items()))
    return Applicability.no(
        f"most weights are in recurrent layers such as {path or 'the model'} ({type(module).__name__}), "
        "which torchao does not quantize",
        "ONNX Runtime and OpenVINO quantize them: engine='onnxruntime'",
    )


def unreached(model: nn.Module, layers: Collection[str], calls: Iterable[Call]) -> list[str]:
    """Return those of ``layers`` that none of the calls reaches.

    Parameters
    ----------
    model : torch.nn.Module
        A copy that nobody else uses: hooks come and go.
    layers : collection of str
        Dotted names.
    calls : iterable of Call
        Run until all were reached.

    Raises
    ------
    CandidateFailed
        When the model refuses a call.
    """
    left = dict.fromkeys(layers)
    handles = [
        model.get_submodule(name).register_forward_hook(lambda *_, name=name: left.pop(name, None)) for name in layers
    ]
    try:
        for call in calls:
            proved(model, call)
            if not left:
                break
    finally:
        for handle in handles:
            handle.remove()
    return list(left)


def few_names(names: Sequence[str]) -> str:
    """Return the names in a list of at most eight, and how many more there are."""
    more = len(names) - _MOST_NAMES
    words = ", ".join(name or "the model" for name in names[:_MOST_NAMES])
    return words if more <= 0 else f"{words} and {more} more"
