"""How a model may be trained, as a user says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tauto.errors import InvalidArgument, a_kind

__all__ = ["FineTune", "Loss", "Training", "training_of"]

Loss = Callable[..., Any]
FineTune = Callable[..., Any]


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """What a technique trains with: the user's own function, or batches and, with labels, a loss.

    Parameters
    ----------
    loader : iterable of batches or None
        ``(inputs, labels)``, dicts, or inputs alone. Without a loss they serve to distill from the original.
    loss : callable or None
        ``loss(outputs, labels) -> scalar``.
    finetune : callable or None
        ``finetune(model)`` or ``finetune(model, epoch)`` trains the model that it is given.
    """

    loader: Iterable[Any] | None = None
    loss: Loss | None = None
    finetune: FineTune | None = None


def training_of(loader: Iterable[Any] | None, loss: Loss | None, finetune: FineTune | None) -> Training | None:
    """Return the training that these arguments mean; None when there is nothing to train with.

    Raises
    ------
    InvalidArgument
        When something cannot be called, or a loss has no data.
    """
    for argument, value, form in (("loss", loss, "(outputs, labels)"), ("finetune", finetune, "(model)")):
        if value is not None and not callable(value):
            raise InvalidArgument(f"{argument}: {a_kind(value)} cannot be called. Give a function {form}.")
    if loss is not None and finetune is not None:
        raise InvalidArgument("finetune: your own function trains by its own loss; give loss or finetune, not both.")
    if loss is not None and loader is None:
        raise InvalidArgument("loss: there is nothing to train on. Give data=, batches of (inputs, labels).")
    if loader is None and finetune is None:
        return None
    return Training(loader, loss, finetune)
