"""The forward pass alone, and the forward with its backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tauto.errors import InvalidArgument, ModelError, a_kind
from tauto.profiling import ProfileSession
from tauto.results import ProfileResult
from tauto.verbs.delivery import deliver
from tauto.verbs.profile import profile
from tauto.workload import Workload
from tauto.workload.state import kept_buffers, preserved_rng
from tauto.workload.structure import tensors_of

__all__ = ["profile_backward_pass", "profile_forward_pass"]

_STEPS = 6

Loss = Callable[[Any], Tensor]


def profile_forward_pass(model: nn.Module, inputs: Any = None, *, name: str | None = None) -> ProfileResult:
    """Profile the forward pass alone, for inference: ``eval()``, ``inference_mode()``, as :func:`tauto.profile` does.

    Examples
    --------
    >>> tauto.profile_forward_pass(model, x).modules[0].total_ms  # doctest: +SKIP
    12.3
    """
    return profile(model, inputs, name=name)


def profile_backward_pass(
    model: nn.Module, inputs: Any = None, loss: Loss | None = None, *, name: str | None = None
) -> ProfileResult:
    """Profile forward and backward pass together, in the model's own modes; the rows tell both apart.

    Gradients are computed and dropped: ``.grad`` of every parameter, the buffers and the random states stay as they
    are, and no optimizer takes part.

    Parameters
    ----------
    model : torch.nn.Module
        Called in its own modes: write ``model.train()`` before, to profile what training does.
    inputs : Tensor, tuple or dict, optional
        What to call it with; default what a profiled block called it with.
    loss : callable, optional
        ``loss(output) -> scalar tensor``. Default: the output's own ``loss`` where it has one, else the sum of its
        floating-point tensors.
    name : str, optional
        What to call the model in the report.

    Raises
    ------
    ModelError
        When there is no parameter to take a gradient of, or the model refuses.
    InvalidArgument
        When ``loss`` is no function, or returns something that is no scalar with a gradient.

    Examples
    --------
    >>> tauto.profile_backward_pass(model, x).modules[0].backward_ms  # doctest: +SKIP
    24.9
    """
    if loss is not None and not callable(loss):
        raise InvalidArgument(f"loss: {a_kind(loss)} cannot be called. Give a function of the model's output.")
    workload = Workload.of(model, inputs=inputs, name=name)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ModelError("model: no parameter requires a gradient, so there is no backward pass to profile.")

    def step() -> None:
        value = _value(workload.example(model), loss)
        # not backward(): that would add to the user's gradients and run what hangs on them
        torch.autograd.grad(value, parameters, allow_unused=True)

    with preserved_rng(), kept_buffers(model), torch.inference_mode(False), torch.enable_grad():
        _try(step, workload)
        with ProfileSession({workload.name: model}, subject=workload.name) as session:
            for _ in range(_STEPS):
                step()
    return deliver(ProfileResult(session.report))


def _value(output: Any, loss: Loss | None) -> Tensor:
    if loss is None:
        own = getattr(output, "loss", None)
        floating = [one for one in tensors_of(output) if one.is_floating_point() and one.requires_grad]
        if not isinstance(own, Tensor) and not floating:
            raise ModelError("model: its output has no gradient, so there is no backward pass to profile.")
        return own if isinstance(own, Tensor) else torch.stack([one.float().sum() for one in floating]).sum()
    value = loss(output)
    if not isinstance(value, Tensor) or value.numel() != 1 or not value.requires_grad:
        what = f"tensor of shape {list(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise InvalidArgument(
            f"loss: it returned a {what}, not a scalar tensor with a gradient. Write such as .mean()."
        )
    return value


def _try(step: Callable[[], None], workload: Workload) -> None:
    try:
        step()
    except (InvalidArgument, ModelError):
        raise
    except Exception as error:  # the model's or the loss's own words, whatever they are
        shapes = ", ".join(workload.example.shapes)
        raise ModelError(
            f"inputs: forward and backward pass failed ({shapes}). Its own error: {type(error).__name__}: {error}"
        ) from error
