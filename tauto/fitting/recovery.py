"""How a changed model gets its quality back, from what the user gave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from tauto.errors import InvalidArgument, ModelError
from tauto.fitting.distilling import distilled
from tauto.fitting.fitted import Fitted, Fitter
from tauto.fitting.own import fitter, takes_epoch
from tauto.fitting.plan import Plan
from tauto.fitting.state import copied
from tauto.workload import Workload, name_of, run_evaluate
from tauto.workload.call import Call
from tauto.workload.training import Training

__all__ = ["epochs_of", "recovery", "scored", "told_of_data", "trainable"]


def recovery(
    training: Training | None,
    teacher: nn.Module,
    plan: Plan | None,
    *,
    example: Call | None = None,
    temperature: float | None = None,
    mixing: float | None = None,
    **judged: Any,
) -> Fitter | None:
    """Return ``fitter(model, in_place=False)`` for a model that was changed; None where there is nothing to train with.

    The user's own function trains where there is one; else the loop over their loader, by their loss; without a loss by
    answering as the original did, which needs no labels. A model of which nothing requires a gradient, as the copies of
    a workload, is trained whole.

    Parameters
    ----------
    training : Training or None
        Of the workload.
    teacher : torch.nn.Module
        The original; only called, in eval mode.
    plan : Plan or None
        How long and how fast; None for one call of the user's own function.
    example : Call, optional
        Of the workload: how many items of a batch are inputs.
    temperature, mixing : float, optional
        As in :func:`~tauto.fitting.distilled`. With ``mixing`` the teacher counts beside a loss, too.
    judged
        ``evaluate``, ``metric``, ``higher_is_better``, ``checkpoint`` and ``task``, as for :func:`~tauto.fitting.fit`.

    Examples
    --------
    >>> train = recovery(workload.training, original, Plan(epochs=2), example=workload.example)  # doctest: +SKIP
    >>> model = train(pruned, in_place=True).model if train else pruned  # doctest: +SKIP
    """
    if training is None:
        return None
    if training.finetune is not None:
        train = fitter(training.finetune, plan, **judged)
    elif training.loss is not None and mixing is None:
        train = fitter(None, plan, loader=training.loader, loss=training.loss, example=example, **judged)
    else:
        beside = {} if mixing is None else {"mixing": mixing}
        objective = distilled(teacher, loss=training.loss, temperature=temperature, example=example, **beside)
        train = fitter(None, plan, loader=training.loader, objective=objective, teacher=teacher, **judged)

    def recover(model: nn.Module, in_place: bool = False) -> Fitted:
        model = model if in_place else copied(model)
        with trainable(model), told_of_data():
            return train(model, in_place=True)

    return recover


def epochs_of(training: Training | None, asked: int | None, default: int) -> int:
    """Return for how many epochs a changed model is trained: as asked for, or ``default``; 0 without anything to.

    A user's ``finetune(model)`` is called once, whatever it does inside: that counts as one.

    Raises
    ------
    InvalidArgument
        When epochs are asked for and there is nothing to train with, or nothing that is called so often.

    Examples
    --------
    >>> epochs_of(None, None, 3), epochs_of(Training(finetune=lambda model: None), None, 3)
    (0, 1)
    """
    if training is None:
        if asked:
            raise InvalidArgument("epochs: there is nothing to train with. Give data= (and loss=), or finetune=.")
        return 0
    if training.finetune is None or takes_epoch(training.finetune):
        return default if asked is None else asked
    if asked is not None and asked > 1:
        raise InvalidArgument(
            f"epochs: finetune(model) is called once. Write finetune(model, epoch), which is called {asked} times, or "
            "leave epochs out."
        )
    return 1 if asked is None else asked


def scored(workload: Workload) -> Callable[[nn.Module], float]:
    """Return what tells which state of a training is best, of a workload that is evaluated: the metric that counts."""
    evaluate = workload.evaluate
    assert evaluate is not None  # for the type checker: asked for only where there is one

    def score(model: nn.Module) -> float:
        metrics = run_evaluate(evaluate, model)
        return metrics[workload.rule.judged(metrics)[0]]

    score.__name__ = workload.rule.metric or name_of(evaluate)
    return score


@contextmanager
def told_of_data() -> Iterator[None]:
    """Run the block with what is wrong with the loader told of by the name that verbs give it: ``data``."""
    try:
        yield
    except (InvalidArgument, ModelError) as error:
        if not str(error).startswith("loader:"):
            raise
        raise type(error)(str(error).replace("loader:", "data:", 1)) from error


@contextmanager
def trainable(model: nn.Module) -> Iterator[None]:
    """Run the block with every parameter of ``model`` free to be trained, where none is; then none is again."""
    frozen = [each for each in model.parameters() if each.is_floating_point()]
    if any(each.requires_grad for each in frozen):
        frozen = []
    for each in frozen:
        each.requires_grad_(True)
    try:
        yield
    finally:
        for each in frozen:
            each.requires_grad_(False)
