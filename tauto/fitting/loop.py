"""The training loop, from what a user has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tauto.errors import InvalidArgument
from tauto.fitting.batches import Batches
from tauto.fitting.fitted import Fitted, delivered
from tauto.fitting.judge import Judge
from tauto.fitting.objective import Loss, Objective, supervised
from tauto.fitting.optimizer import OptimizerFactory
from tauto.fitting.plan import Plan
from tauto.fitting.state import copied
from tauto.fitting.track import Track
from tauto.fitting.training import Training
from tauto.workload.call import Call
from tauto.workload.check import check_model
from tauto.workload.state import preserved_generators, seeded

__all__ = ["fit"]


def fit(
    model: nn.Module,
    loader: Iterable[Any],
    loss: Loss | None = None,
    plan: Plan | None = None,
    *,
    objective: Objective | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    optimizer: OptimizerFactory | None = None,
    teacher: nn.Module | None = None,
    example: Call | None = None,
    checkpoint: str | Path | None = None,
    in_place: bool = False,
    task: str = "fit",
) -> Fitted:
    """Train a copy of ``model`` and return it in the best state that was found.

    The same arguments give the same model on the same machine. Modes, gradients, hooks, random states and the loader's
    generators are afterwards as they were.

    Parameters
    ----------
    model : torch.nn.Module
        Only read, unless ``in_place``. What does not require a gradient stays as it is.
    loader : iterable of batches
        ``(inputs, labels)``, a dict with ``labels``, or whatever ``objective`` takes; moved to the model's device.
    loss : callable, optional
        ``loss(outputs, labels)``; without it and ``objective`` the loss that the model itself returns.
    plan : Plan
        How long and how fast: ``Plan(epochs=3)``.
    objective : callable, optional
        ``objective(model, batch) -> loss``, in place of ``loss``. A module's own parameters are trained too, in place.
    evaluate : callable, optional
        ``evaluate(model) -> float | dict``. The model as given is a candidate then; without it states are judged by
        the mean training loss.
    metric, higher_is_better : str, bool
        What of ``evaluate`` counts, and its direction.
    optimizer : callable, optional
        ``optimizer(parameters)``; its learning rates are the highest ones. Default AdamW.
    teacher : torch.nn.Module, optional
        What ``objective`` also calls: in eval mode meanwhile, and never trained.
    example : Call, optional
        A call of the model: tells how many items of a batch are inputs, where ``forward`` leaves that open.
    checkpoint : path, optional
        A file that an interrupted training is taken up from by the same call; removed at the end. Or a folder that
        exists, for a course of trainings: each has a file of its own there, and what has ended is found done.
    in_place : bool
        Train ``model`` itself.
    task : str
        What progress is told under.

    Raises
    ------
    InvalidArgument, ModelError, EvaluateError
        One clear line; a model trained in place is in its best state.
    Interrupted
        On Ctrl-C, with what was found until then.
    """
    check_model(model)
    if plan is None:
        raise InvalidArgument("plan: say how long to train, such as plan=Plan(epochs=3).")
    if objective is not None and loss is not None:
        raise InvalidArgument("objective: it takes the place of loss; give one of the two.")
    judge, name, cudnn = Judge(evaluate, metric, higher_is_better), type(model).__name__, torch.backends.cudnn
    repeatable = cudnn.flags(cudnn.enabled, benchmark=False, deterministic=True, allow_tf32=cudnn.allow_tf32)
    with seeded(plan.seed), preserved_generators(loader), torch.inference_mode(False), repeatable:
        model = model if in_place else copied(model)
        if isinstance(loss, nn.Module):
            loss = copied(loss)
        beside = loss if objective is None else objective
        whole = nn.ModuleList([model, beside]) if isinstance(beside, nn.Module) else model
        batches, track = Batches(loader, plan.seed), Track(whole, model, judge, plan.patience)
        training = Training(model, whole, objective or supervised(loss, example), batches, plan, track, teacher, task)
        ended = training.run(optimizer, checkpoint)
    report = track.report(
        ended,
        name=name,
        method=training.method,
        planned=training.total,
        seed=plan.seed,
        learning_rate=max(training.rates, default=None),
    )
    return delivered(model, report)
