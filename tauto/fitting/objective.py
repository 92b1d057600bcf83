"""What is made smaller: one number from a model and a batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from torch import Tensor, nn

from tauto.errors import InvalidArgument, ModelError, TautoError, a_kind
from tauto.workload.call import LABELS, Call, call_from_batch, label_of
from tauto.workload.structure import describe

__all__ = ["Loss", "Objective", "called", "checked", "loss_of", "supervised"]

Loss: TypeAlias = Callable[[Any, Any], Tensor]
"""``loss(outputs, labels) -> scalar``, such as ``nn.CrossEntropyLoss()``."""
Objective: TypeAlias = Callable[[nn.Module, Any], Tensor]
"""``objective(model, batch) -> scalar``. One that is a module with parameters of its own has them trained too."""


def supervised(loss: Loss | None = None, example: Call | None = None) -> Objective:
    """Return the objective that compares what the model says with a batch's labels.

    Parameters
    ----------
    loss : callable or None
        ``loss(outputs, labels)``; None takes the ``loss`` that the model computes itself when it is called with the
        whole batch, as those of transformers do.
    example : Call, optional
        Tells how many items of a tuple are inputs, where ``forward`` leaves that open; the rest are labels.
    """
    if loss is not None and not callable(loss):
        raise InvalidArgument(f"loss: {a_kind(loss)} cannot be called. Give such as nn.CrossEntropyLoss().")

    def objective(model: nn.Module, batch: Any) -> Tensor:
        call = call_from_batch(batch, model, example)
        label = label_of(batch, model, example)
        if loss is None:
            return _own_loss(call, model, batch)
        if label is None:
            raise InvalidArgument(
                "loader: a batch has no label beside the inputs. Give batches of (inputs, labels), or a dict with "
                "'labels'; or write objective=, a function of (model, batch) that returns the loss."
            )
        return loss_of(loss, called(call, model), label)

    return objective


def loss_of(loss: Loss, outputs: Any, label: Any) -> Tensor:
    """Return ``loss(outputs, label)``.

    Raises
    ------
    InvalidArgument
        When the loss refuses them, with their shapes.
    """
    try:
        return loss(outputs, label)
    except Exception as error:  # the user's own function
        raise InvalidArgument(
            f"loss: it refuses the model's output ({_shapes(outputs)}) with the labels ({_shapes(label)}). Give labels "
            f"that it takes, or another loss. Its own error: {type(error).__name__}: {error}"
        ) from error


def checked(value: Any, step: int) -> Tensor:
    """Return ``value`` where it is a loss that can be trained on.

    Raises
    ------
    InvalidArgument
        When it is not one number, or does not depend on what is trained.
    ModelError
        When the very first is NaN or infinite.
    """
    if not isinstance(value, Tensor):
        raise InvalidArgument(f"loss: it returned {a_kind(value)}. Return a tensor that gradients flow through.")
    if value.numel() != 1:
        raise InvalidArgument(f"loss: it returned {_shapes(value)}, not one number. Take its mean: reduction='mean'.")
    if not value.requires_grad:
        raise InvalidArgument(
            "loss: it does not depend on any parameter that requires a gradient. Compute it from the model's outputs, "
            "without detach() and no_grad()."
        )
    if step == 0 and not math.isfinite(value.item()):
        raise ModelError(
            f"loss: it is {value.item()} on the first batch, before any step. Look at the data, and at what the model "
            "returns for it."
        )
    return value.reshape(())


def _own_loss(call: Call, model: nn.Module, batch: Any) -> Tensor:
    given = {key: batch[key] for key in LABELS if key in batch} if isinstance(batch, Mapping) else {}
    outputs = called(Call(call.args, {**call.kwargs, **given}), model)
    found = outputs.get("loss") if isinstance(outputs, Mapping) else getattr(outputs, "loss", None)
    if found is None:
        raise InvalidArgument(
            "loss: none is given, and the model returns none of its own. Give loss(outputs, labels), such as "
            "nn.CrossEntropyLoss()."
        )
    return found  # type: ignore[no-any-return]  # whatever it is, it is looked at by checked()


def called(call: Call, model: nn.Module) -> Any:
    """Return what ``model`` returns for a batch.

    Raises
    ------
    ModelError
        When it refuses the batch.
    """
    try:
        return call(model)
    except TautoError:
        raise
    except Exception as error:
        raise ModelError(
            f"loader: the model refuses a batch ({', '.join(call.shapes)}). "
            f"Its own error: {type(error).__name__}: {error}"
        ) from error


def _shapes(value: Any) -> str:
    return ", ".join(describe(value)) or a_kind(value)
