"""What a verb makes sure of before any work: that the model and its data suit what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tauto.errors import InvalidArgument, ModelError
from tauto.fitting import told_of_data, trainable
from tauto.fitting.objective import checked, supervised
from tauto.fitting.state import copied, lent
from tauto.techniques.quantization.quantized import already_quantized
from tauto.workload import Workload
from tauto.workload.call import label_of
from tauto.workload.state import preserved_generators, preserved_rng
from tauto.workload.structure import described, map_tensors, tensors_of

__all__ = ["check_count", "check_data", "check_floating", "check_labels"]


def check_floating(model: nn.Module, argument: str = "model") -> None:
    """Say so when layers of ``model``, given as ``argument``, hold quantized weights.

    Raises
    ------
    ModelError
        With the first such layer named.
    """
    if layer := already_quantized(model):
        raise ModelError(
            f"{argument}: it is quantized already: its layer {layer}. Give the model that it was made from."
        )


def check_data(workload: Workload, *, given: bool = True) -> None:
    """Say so when the model refuses a sample: ranges and errors would be learned from it.

    Where no data was ``given``, the samples are the inputs.

    Raises
    ------
    InvalidArgument
        With the batch, and the model's own error; or where it answers NaN with NaN.
    """
    model, seen = workload.copy_model(), set()
    for number, call in enumerate(workload.samples, start=1):
        kind, holds_nan = tuple((tensor.dtype, tensor.shape[1:]) for tensor in call.tensors), _has_nan(call.tensors)
        if kind in seen and not holds_nan:
            continue
        seen.add(kind)
        try:
            with torch.no_grad(), preserved_rng():
                answer = call(model)
        except Exception as error:  # the user's code, with the user's data
            shapes = described((call.args, call.kwargs))
            which = f"data: the model refuses batch {number}" if given else "inputs: the model refuses them"
            raise InvalidArgument(f"{which}, of {shapes}. Its own error: {type(error).__name__}: {error}") from error
        if holds_nan and _has_nan(tensors_of(answer)):
            raise InvalidArgument(
                f"{f'data: batch {number} holds' if given else 'inputs: they hold'} NaN, and the model answers with "
                "NaN: nothing can be learned from that. Leave such samples out."
            )


def _has_nan(tensors: Sequence[Tensor]) -> bool:
    return any(bool(tensor.isnan().any()) for tensor in tensors if tensor.is_floating_point())


def check_labels(workload: Workload, model: nn.Module | None = None) -> None:
    """Say so when there is a loss and it cannot be computed of the first batch of the data, as training would.

    Parameters
    ----------
    workload : Workload
        What is trained on.
    model : torch.nn.Module, optional
        What is trained, where it is not the workload's own. A copy is called.

    Raises
    ------
    InvalidArgument, ModelError
        With what to write: the batch has no label, the loss refuses it or returns what nothing can be learned from, or
        the model refuses the batch.
    """
    training = workload.training
    if training is None or training.loss is None or training.loader is None:
        return
    with torch.inference_mode(False), preserved_rng(), preserved_generators(training.loader):
        batch = next(iter(training.loader), None)
        if label_of(batch, workload.model, workload.example) is None:
            raise InvalidArgument(
                "loss: a batch of data= has no label beside the inputs. Give batches of (inputs, labels); or leave "
                "loss= out, and the model learns to answer as it did."
            )
        twin, loss = workload.copy_model() if model is None else copied(model), training.loss
        objective = supervised(copied(loss) if isinstance(loss, nn.Module) else loss, workload.example)
        with trainable(twin), lent(twin), told_of_data():
            checked(objective(twin, map_tensors(lambda each: each.to(workload.device), batch)), step=0)


def check_count(name: str, value: Any, least: int = 1) -> None:
    """Say so when ``value``, given as ``name``, is no whole number from ``least``.

    Raises
    ------
    InvalidArgument
        With what to write.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidArgument(f"{name}: {value!r} is no whole number from {least}.")
