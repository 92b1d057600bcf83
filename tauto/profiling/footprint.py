"""The bytes of a model and of one call of it."""

from __future__ import annotations

from collections.abc import Hashable

import torch
from torch import nn

from tauto.profiling.counting import CallCount, count_call, uncompiled
from tauto.reports.summary import Footprint
from tauto.workload.call import Call
from tauto.workload.state import evaluating, kept_buffers, preserved_rng
from tauto.workload.structure import plain_parts

__all__ = ["count_inference", "footprint_of", "held_bytes"]


def held_bytes(model: nn.Module) -> int:
    """Return the bytes of parameters and buffers; a storage that several share counts once."""
    sizes: dict[Hashable, int] = {}
    for tensor in (*model.parameters(), *model.buffers()):
        for part in plain_parts(tensor):
            if part.is_quantized or part.layout is not torch.strided or part.is_meta:
                sizes[id(part)] = part.numel() * part.element_size()
            else:
                storage = part.untyped_storage()
                sizes[part.device, storage.data_ptr()] = storage.nbytes()
    return sum(sizes.values())


def count_inference(model: nn.Module, call: Call) -> CallCount:
    """Return what one call of ``model`` does, in ``eval()`` under ``inference_mode()``, after one that warms up."""
    with evaluating(model), preserved_rng(), torch.inference_mode(), uncompiled(model):
        call(model)  # what the first call makes once is no work of a call
        return count_call(lambda: call(model), _device(call))


def footprint_of(model: nn.Module, call: Call, name: str, inference: CallCount | None = None) -> Footprint:
    """Return the footprint of ``model``; it, its gradients and buffers stay as they are.

    Parameters
    ----------
    model : torch.nn.Module
        Called once or twice for inference, and once as in training: in its own modes, recording gradients.
    call : Call
        What it is called with.
    name : str
        What the report calls it.
    inference : CallCount, optional
        From :func:`count_inference`, when that is at hand.
    """
    found = inference or count_inference(model, call)
    steady = held_bytes(model)
    given = sum(tensor.numel() * tensor.element_size() for tensor in call.tensors)
    kept, reason = _kept_for_backward(model, call)
    return Footprint(
        name=name,
        steady_bytes=steady,
        input_bytes=given,
        peak_bytes=steady + given + found.peak_bytes,
        activation_bytes=found.peak_bytes,
        output_bytes=found.kept_bytes,
        kept_for_backward_bytes=kept,
        reason=reason,
    )


def _kept_for_backward(model: nn.Module, call: Call) -> tuple[int | None, str]:
    if not any(parameter.requires_grad for parameter in model.parameters()):
        return None, "no parameter requires a gradient"
    with preserved_rng(), kept_buffers(model), torch.inference_mode(False), torch.enable_grad(), uncompiled(model):
        try:
            return count_call(lambda: call(model), _device(call)).kept_bytes, ""
        except RuntimeError as error:  # made for inference only: an engine, an inference tensor
            return None, f"it cannot record gradients ({str(error).splitlines()[0] if str(error) else 'no reason'})"


def _device(call: Call) -> str:
    return next((tensor.device.type for tensor in call.tensors), "cpu")
