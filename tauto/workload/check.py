"""Whether a model can be worked with at all: one clear line when not."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from tauto.errors import InvalidArgument, ModelError, TautoError, a_kind
from tauto.workload.call import Call
from tauto.workload.structure import described, plain_parts

__all__ = ["check_model", "check_runs"]


def check_model(model: object, argument: str = "model") -> nn.Module:
    """Return ``model`` when it is a usable ``nn.Module``; it is only read.

    Raises
    ------
    InvalidArgument
        When it is not an ``nn.Module`` instance.
    ModelError
        When it has no parameters, lives on the meta device, is lazy and uninitialised, or holds NaN or infinity.
    """
    if isinstance(model, type) and issubclass(model, nn.Module):
        raise InvalidArgument(f"{argument}: {model.__name__} is a class. Give an instance: {model.__name__}(…).")
    if not isinstance(model, nn.Module):
        raise InvalidArgument(f"{argument}: {a_kind(model)} is not a torch.nn.Module.")
    tensors = list(itertools.chain(model.named_parameters(), model.named_buffers()))
    if not any(True for _ in model.parameters()):
        raise ModelError(f"{argument}: {type(model).__name__} has no parameters, so there is nothing to optimize.")
    for name, tensor in tensors:
        _check_tensor(argument, name, tensor)
    return model


def check_runs(model: nn.Module, call: Call, argument: str) -> None:
    """Call the model once, without gradients; what it raises is named as its own.

    Raises
    ------
    ModelError
        When the model refuses the call.
    """
    try:
        with torch.inference_mode():
            call(model)
    except TautoError:
        raise
    except Exception as error:  # the model's own words, whatever they are
        raise ModelError(
            f"{argument}: the model refuses them ({described((call.args, call.kwargs))}). "
            f"Its own error: {type(error).__name__}: {error}"
        ) from error


def _check_tensor(argument: str, name: str, tensor: Tensor) -> None:
    if is_lazy(tensor):
        raise ModelError(f"{argument}: {name} is lazy and not initialised. Call the model once on real inputs first.")
    if tensor.is_meta:
        raise ModelError(f"{argument}: {name} is on the meta device and has no values. Load the weights first.")
    # a quantized weight sums up nothing: what it is made of does
    parts = plain_parts(tensor.detach()) if isinstance(tensor, nn.Parameter) else ()
    if not all(_finite(part) for part in parts if part.is_floating_point()):
        raise ModelError(f"{argument}: {name} holds NaN or infinite values. Train or load it again first.")


def _finite(tensor: Tensor) -> bool:
    with torch.no_grad():
        # a sum is finite unless a term is not, or it overflows: then look at every element
        return bool(torch.isfinite(tensor.sum())) or bool(torch.isfinite(tensor).all())
