"""How many parameters, and how much work."""

from __future__ import annotations

import warnings
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from tauto.errors import InvalidArgument, ModelError, UncountedWarning, a_kind
from tauto.profiling.footprint import count_inference
from tauto.verbs.compare import callable_workload

__all__ = ["count_flops", "count_parameters"]


def count_parameters(model: nn.Module, trainable_only: bool = False) -> int:
    """Return the number of parameters; shared ones count once.

    Parameters
    ----------
    model : torch.nn.Module
        Also one on the meta device.
    trainable_only : bool
        Count only those that require a gradient.

    Raises
    ------
    ModelError
        When a parameter is lazy: it has no size yet.

    Examples
    --------
    >>> count_parameters(nn.Linear(3, 2))
    8
    """
    if not isinstance(model, nn.Module):
        raise InvalidArgument(f"model: {a_kind(model)} is not a torch.nn.Module. Give an instance of one.")
    for name, parameter in model.named_parameters():
        if is_lazy(parameter):
            raise ModelError(f"model: {name} is lazy and not initialised. Call the model once on real inputs first.")
    return sum(one.numel() for one in model.parameters() if one.requires_grad or not trainable_only)


def count_flops(model: nn.Module, inputs: Any = None) -> int:
    """Return the floating-point operations of one inference call; a multiply and an add count as two.

    The count is exact, from a trace of one call, by the closed forms of :mod:`tauto.profiling.formulas`; a compiled
    model is counted as it was before compiling.

    Parameters
    ----------
    model : torch.nn.Module
        Stays as it is.
    inputs : Tensor, tuple or dict, optional
        What to call it with; default what a profiled block called it with.

    Warns
    -----
    UncountedWarning
        When an operator is not counted that takes at least 1 % of the time; it is named.

    Examples
    --------
    >>> import torch
    >>> count_flops(nn.Linear(3, 2), torch.zeros(1, 3))
    12
    """
    found = count_inference(model, callable_workload(model, inputs).example)
    if found.uncounted:
        warnings.warn(f"count_flops: not counted: {', '.join(found.uncounted)}.", UncountedWarning, stacklevel=2)
    return found.flops
