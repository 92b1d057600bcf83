"""A copy of a model in the precision of a way, still with all that makes it a decoder."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from tauto.decoding.way import Precision
from tauto.errors import CandidateFailed, a_kind
from tauto.hardware import Hardware
from tauto.techniques import Context, Technique, technique
from tauto.techniques.quiet import quiet
from tauto.workload import Workload

__all__ = ["as_linear", "in_precision", "technique_of"]

_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def technique_of(precision: Precision) -> Technique:
    """Return the technique that lowers a model to ``precision``."""
    return technique(precision)


def in_precision(workload: Workload, precision: Precision, hardware: Hardware, folder: Path) -> nn.Module:
    """Return a copy of the workload's model in ``precision``.

    Sixteen bits are a plain cast: a decoder reads whole numbers and its logits are compared, so that nothing needs to
    be converted at its boundary, and the copy keeps ``generate``.

    Raises
    ------
    CandidateFailed
        When it cannot be made.
    """
    if precision == "float32":
        return workload.copy_model()
    if (dtype := _DTYPES.get(precision)) is not None:
        return workload.copy_model().to(dtype)
    found = technique_of(precision)
    model = as_linear(workload.copy_model())
    with quiet():
        made = found.apply(workload.with_model(model), found.config(), Context(folder, hardware))
    if not isinstance(made, type(model)):
        raise CandidateFailed(f"{precision} put {a_kind(made)} around the model, which cannot generate")
    return made


def as_linear(model: nn.Module) -> nn.Module:
    """Write GPT-2's ``Conv1D``, a linear layer with its weight turned round, as ``nn.Linear``; in place.

    Only plain linear layers are quantized.
    """
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer).__name__ == "Conv1D" and type(layer).__module__.startswith("transformers."):
                weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
                linear = nn.Linear(weight.shape[0], weight.shape[1], device=weight.device, dtype=weight.dtype)
                with torch.no_grad():
                    linear.weight.copy_(weight.T)
                    linear.bias.copy_(bias)
                setattr(parent, name, linear.requires_grad_(False).eval())
    return model
