"""Learning from a teacher's outputs."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own name for it
from torch import Tensor, nn

from tauto.errors import InvalidArgument, a_kind
from tauto.fitting.objective import Loss, Objective, called, loss_of
from tauto.fitting.outputs import Pair, pairs
from tauto.workload.call import Call, call_from_batch, label_of

__all__ = ["MIXING", "TEMPERATURE", "Mixture", "above_zero", "distilled", "imitation"]

TEMPERATURE = 4.0
"""What the scores of classes are divided by: the wrong classes tell how the teacher sees a sample."""
MIXING = 0.9
"""Share of the teacher in the loss, where there are labels too."""

_OF_CLASSES = (F.cross_entropy, F.nll_loss)
_TINY = 1e-12


def distilled(
    teacher: nn.Module,
    *,
    loss: Loss | None = None,
    temperature: float | None = None,
    mixing: float = MIXING,
    example: Call | None = None,
) -> Objective:
    """Return the objective of a student that is to answer as ``teacher`` does; give ``fit`` the same ``teacher=``.

    Scores of classes are compared by the Kullback-Leibler divergence at a temperature, times its square; other
    floating-point outputs by their mean squared error. Scores are taken for ones of classes where ``temperature`` is
    given, the loss is torch's cross entropy, the labels are whole numbers of the right shape, or the output is named
    ``logits``: the divergence alone lets values drift by a constant, which only such scores may.

    Parameters
    ----------
    teacher : torch.nn.Module
        Called without gradients; returns what the student returns, of any nesting.
    loss : callable, optional
        ``loss(outputs, labels)``, mixed in; every batch needs a label then. Without it none does.
    temperature : float, optional
        Default :data:`TEMPERATURE`, where outputs are scores of classes.
    mixing : float
        Share of the teacher beside ``loss``, above 0 and at most 1.
    example : Call, optional
        As in :func:`~tauto.fitting.supervised`.

    Raises
    ------
    InvalidArgument
        When one of them is out of its range; when called, where outputs or labels do not match.

    References
    ----------
    Hinton, Vinyals, Dean (2015), Distilling the Knowledge in a Neural Network, arXiv:1503.02531.

    Examples
    --------
    >>> objective = distilled(teacher, loss=nn.CrossEntropyLoss())  # doctest: +SKIP
    >>> fit(student, loader, objective=objective, teacher=teacher, plan=Plan(epochs=3))  # doctest: +SKIP
    """
    mixture = Mixture(loss, mixing)
    if temperature is not None:
        above_zero("temperature", temperature)

    def objective(model: nn.Module, batch: Any) -> Tensor:
        call = call_from_batch(batch, model, example)
        label = label_of(batch, model, example)
        outputs = called(call, model)
        with torch.no_grad():
            answers = called(call, teacher)
        taught = imitation(pairs(outputs, answers), label, loss, temperature)
        return mixture(taught, outputs, label)

    return objective


def imitation(found: list[Pair], label: Any, loss: Loss | None, temperature: float | None) -> Tensor:
    """Return how far the student's outputs are from the teacher's: a sum over the pairs."""
    parts = []
    for pair in found:
        student, teacher = pair.student.float(), pair.teacher.float()
        dim = _classes(pair, label, loss, given=temperature is not None)
        if dim is None:
            parts.append(F.mse_loss(student, teacher))
        else:
            parts.append(_divergence(_scores(student, dim), _scores(teacher, dim), dim, temperature or TEMPERATURE))
    return torch.stack(parts).sum()


class Mixture:
    """A teacher's part of a loss beside the user's own.

    Parameters
    ----------
    loss : callable or None
        ``loss(outputs, labels)``.
    mixing : float
        Share of the teacher.

    Raises
    ------
    InvalidArgument
        When one of them is none.
    """

    def __init__(self, loss: Loss | None, mixing: float) -> None:
        if loss is not None and not callable(loss):
            raise InvalidArgument(f"loss: {a_kind(loss)} cannot be called. Give such as nn.CrossEntropyLoss().")
        above_zero("mixing", mixing)
        if mixing > 1:
            raise InvalidArgument(f"mixing: {mixing!r} is no share of the loss. Write one above 0, at most 1.")
        self.loss, self.mixing = loss, mixing

    def __call__(self, taught: Tensor, outputs: Any, label: Any) -> Tensor:
        """Return the mixture.

        Raises
        ------
        InvalidArgument
            When there is a loss and no label.
        """
        if self.loss is None or self.mixing == 1:
            return taught
        if label is None:
            raise InvalidArgument(
                "loss: a batch has no label for it. Give batches of (inputs, labels), or leave loss out to learn from "
                "the teacher alone."
            )
        return self.mixing * taught + (1 - self.mixing) * loss_of(self.loss, outputs, label)


def _classes(pair: Pair, label: Any, loss: Loss | None, *, given: bool) -> int | None:
    """Return the dimension of the classes; None where nothing says that these are scores of classes."""
    shape = pair.teacher.shape
    if len(shape) < 2:
        return None
    dims = []
    if isinstance(label, Tensor) and not label.is_floating_point() and label.dtype is not torch.bool:
        dims = [dim for dim in (1, len(shape) - 1) if (*shape[:dim], *shape[dim + 1 :]) == tuple(label.shape)]
    if isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss) or loss in _OF_CLASSES:
        dims = [1]  # where torch has them
    if not dims and (given or pair.name.rpartition(".")[2] == "logits"):
        dims = [len(shape) - 1 if len(shape) < 4 else 1]  # words in a sequence; points of a picture
    return dims[-1] if dims and shape[dims[-1]] > 1 else None


def _scores(values: Tensor, dim: int) -> Tensor:
    """Return ``values``, or their logarithm where they are probabilities."""
    with torch.no_grad():
        total = values.sum(dim)
        probabilities = bool((values >= 0).all()) and torch.allclose(total, torch.ones_like(total), atol=1e-3)
    return values.clamp_min(_TINY).log() if probabilities else values


def _divergence(student: Tensor, teacher: Tensor, dim: int, temperature: float) -> Tensor:
    rows = student.numel() // student.shape[dim]
    mine, its = (F.log_softmax(each / temperature, dim) for each in (student, teacher))
    return F.kl_div(mine, its, reduction="sum", log_target=True) * (temperature**2 / rows)


def above_zero(name: str, value: Any) -> None:
    """Say so when ``value`` is no finite number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 < value < math.inf):
        raise InvalidArgument(f"{name}: {value!r} is out of range. Write a number above 0.")
