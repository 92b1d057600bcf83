"""A user's own function in the loop's place."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tauto.errors import InvalidArgument, ModelError, a_kind
from tauto.events import Progress, emit
from tauto.fitting.checkpoint import Checkpoint
from tauto.fitting.fitted import Fitted, Fitter, delivered
from tauto.fitting.judge import Judge
from tauto.fitting.loop import fit
from tauto.fitting.objective import Loss, Objective
from tauto.fitting.optimizer import OptimizerFactory
from tauto.fitting.plan import Plan
from tauto.fitting.state import Values, copied, digest, lent, put, put_random, take, take_random
from tauto.fitting.track import Ended, Track
from tauto.workload.call import Call
from tauto.workload.check import check_model
from tauto.workload.state import seeded

__all__ = ["FineTune", "fit_with", "fitter", "takes_epoch"]

FineTune = Callable[..., Any]
"""``finetune(model)``, called once, or ``finetune(model, epoch)``, called once an epoch (from 0)."""


def fit_with(
    model: nn.Module,
    finetune: FineTune,
    plan: Plan | None = None,
    *,
    evaluate: Callable[[nn.Module], Any] | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    checkpoint: str | Path | None = None,
    in_place: bool = False,
    task: str = "fit",
) -> Fitted:
    """Have ``finetune`` train a copy of ``model``, and return it in the best state that was found.

    It trains the model that it is given, or returns one of the same architecture; a number that it returns is a loss.
    When it raises, or a loss or a weight is no longer finite, the best state before that comes back and the report
    says why.

    Parameters
    ----------
    model : torch.nn.Module
        Only read, unless ``in_place``.
    finetune : callable
        ``finetune(model)`` is called once, ``finetune(model, epoch)`` for each epoch of the plan.
    plan : Plan, optional
        Of it ``epochs``, ``patience`` and ``seed`` count. Default one epoch.
    checkpoint : path, optional
        As for :func:`~tauto.fitting.loop.fit`, between calls of ``finetune``: what that keeps beside the model, such as
        an optimizer's momentum, begins anew; where it raises without that, all calls are made anew.
    evaluate, metric, higher_is_better, in_place, task
        As for :func:`~tauto.fitting.loop.fit`. Without ``evaluate`` and without losses the last state is the best.

    Raises
    ------
    InvalidArgument, ModelError, EvaluateError
        One clear line; a model trained in place is in its best state.
    Interrupted
        On Ctrl-C, with what was found until then.
    """
    check_model(model)
    by_epoch = takes_epoch(finetune)
    plan = plan or Plan(epochs=1)
    if by_epoch and plan.epochs is None:
        raise InvalidArgument("steps: a function of (model, epoch) is called once an epoch. Write epochs=… instead.")
    calls = (plan.epochs or 1) if by_epoch else 1
    name = getattr(finetune, "__name__", type(finetune).__name__)
    with seeded(plan.seed), torch.inference_mode(False):
        model = model if in_place else copied(model)
        judge = Judge(evaluate, metric, higher_is_better)
        track = Track(model, model, judge, plan.patience, "epoch" if by_epoch else "call")
        course = _Course(model, track, checkpoint, f"{name}, {calls} times", plan.seed)
        try:
            ended = _all_calls(finetune, name, course, calls, by_epoch=by_epoch, task=task)
            course.settle(ended)
        finally:
            track.roll_back()
        if course.went_wrong(ended):  # it misses what its earlier calls had made, such as an optimizer
            put(model, course.given)
            anew = fit_with(
                model,
                finetune,
                plan,
                evaluate=evaluate,
                metric=metric,
                higher_is_better=higher_is_better,
                checkpoint=checkpoint,
                in_place=True,
                task=task,
            )
            why = f"{anew.report.reason}, from the first on: taken up after {track.step} of them, {ended}"
            return replace(anew, report=replace(anew.report, reason=why))
    return delivered(model, track.report(ended, name=type(model).__name__, method=name, planned=calls, seed=plan.seed))


def fitter(
    finetune: FineTune | None = None,
    plan: Plan | None = None,
    *,
    loader: Iterable[Any] | None = None,
    loss: Loss | None = None,
    objective: Objective | None = None,
    optimizer: OptimizerFactory | None = None,
    teacher: nn.Module | None = None,
    example: Call | None = None,
    checkpoint: str | Path | None = None,
    **judged: Any,
) -> Fitter:
    """Return ``fitter(model, in_place=False)``: the user's function where there is one, else the loop over ``loader``.

    Parameters
    ----------
    finetune, plan, loader, loss, objective, optimizer, teacher, example, checkpoint, judged
        As for :func:`fit_with` and :func:`~tauto.fitting.loop.fit`; ``judged`` are those that both take.

    Raises
    ------
    InvalidArgument
        When there is neither or both.
    """
    if finetune is not None and loader is None:
        takes_epoch(finetune)
        return functools.partial(fit_with, finetune=finetune, plan=plan, checkpoint=checkpoint, **judged)
    if loader is None or finetune is not None:
        raise InvalidArgument(
            "finetune: give either a function of the model that trains it, or batches with labels and a loss."
        )
    return functools.partial(
        fit,
        loader=loader,
        loss=loss,
        plan=plan,
        objective=objective,
        optimizer=optimizer,
        teacher=teacher,
        example=example,
        checkpoint=checkpoint,
        **judged,
    )


def takes_epoch(finetune: Any) -> bool:
    """Return whether a user's function is called as ``finetune(model, epoch)``; else it is ``finetune(model)``.

    Raises
    ------
    InvalidArgument
        When it is neither.
    """
    if not callable(finetune):
        raise InvalidArgument(
            f"finetune: {a_kind(finetune)} cannot be called. Give a function of (model) or (model, epoch)."
        )
    try:
        parameters = inspect.signature(finetune).parameters.values()
    except (TypeError, ValueError):  # a built-in has no signature
        return False
    places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    needed = [one for one in places if one.default is one.empty]
    if len(needed) > 2 or not (places or any(one.kind is one.VAR_POSITIONAL for one in parameters)):
        raise InvalidArgument("finetune: it is called as finetune(model) or finetune(model, epoch); it takes neither.")
    return len(needed) == 2


class _Course:
    """How far the calls are, kept between them where a checkpoint is wanted."""

    def __init__(self, model: nn.Module, track: Track, checkpoint: str | Path | None, calls: str, seed: int) -> None:
        self.model, self.track, self.checkpoint = model, track, None
        self.given: Values = {}
        if checkpoint is not None:
            self.given = take(model)
            run = {"weights": digest(self.given.values()), "calls": calls, "seed": seed, "evaluate": track.judge.name}
            self.checkpoint = Checkpoint(checkpoint, run)

    def take_up(self) -> None:
        """Go on from what was kept.

        Raises
        ------
        Ended
            When it had come to its end.
        """
        found = self.checkpoint.load() if self.checkpoint is not None else None
        if found is None:
            return
        self.track.resume(found["track"])
        if "ended" in found:
            raise Ended(*found["ended"])
        put(self.model, found["values"])
        put_random(found["random"])

    def save(self) -> None:
        """Keep it as it is after a call."""
        if self.checkpoint is not None:
            values, random = take(self.model), take_random()
            self.checkpoint.save({"values": values, "random": random, "track": self.track.state()})

    def went_wrong(self, ended: Ended) -> bool:
        """Return whether the first call after it was taken up raised."""
        return ended.stop == "raised" and self.track.step == self.track.resumed_at

    def settle(self, ended: Ended) -> None:
        """Leave behind what the same call goes on from: of a call that was cut off, what was kept before it."""
        if self.checkpoint is not None:
            self.checkpoint.settle(ended.stop, str(ended), None, self.track.state())


def _all_calls(finetune: FineTune, name: str, course: _Course, calls: int, *, by_epoch: bool, task: str) -> Ended:
    """Make the calls that are left, and return how they ended."""
    model, track = course.model, course.track
    try:
        with lent(model):
            course.take_up()
            if track.judge.evaluate is not None and not track.step:
                track.look(0)
            for epoch in range(track.step, calls):
                words = f"{name}, {epoch + 1} of {calls}"
                emit(Progress(task, words, epoch / calls, track.seconds_left(calls)))
                track.add(_loss(_call(finetune, name, model, (epoch,) if by_epoch else ()), name, model))
                track.look(epoch + 1)
                course.save()
    except Ended as end:
        return end
    except KeyboardInterrupt:
        return Ended("interrupted", f"it was interrupted after {track.step} of {calls} calls of {name}")
    return Ended("finished", f"{name} was called {'once' if calls == 1 else f'{calls} times'}")


def _call(finetune: FineTune, name: str, model: nn.Module, more: tuple[int, ...]) -> Any:
    before = [(key, tensor.shape) for key, tensor in model.named_parameters()]
    try:
        returned = finetune(model, *more)
    except Exception as error:  # whatever the user's code raises is its outcome
        raise Ended("raised", f"{name} raised {type(error).__name__}: {error}") from error
    if [(key, tensor.shape) for key, tensor in model.named_parameters()] != before:
        raise ModelError(f"finetune: {name} changed what the model is made of. Train its weights only.")
    return returned


def _loss(returned: Any, name: str, model: nn.Module) -> float | None:
    """Return the loss that the function returned; the weights of a model that it returned are taken over."""
    if isinstance(returned, nn.Module) and returned is not model:
        try:
            model.load_state_dict(returned.state_dict())
        except RuntimeError as error:
            words = " ".join(str(error).split())
            raise ModelError(f"finetune: {name} returned a model of another architecture: {words}") from error
    if isinstance(returned, Tensor) and returned.numel() == 1:
        return float(returned.detach())
    return float(returned) if isinstance(returned, Real) and not isinstance(returned, bool) else None
