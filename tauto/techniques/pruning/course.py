"""Pruning as a course: a little at a time, with what brings the quality back after each step."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from tauto.errors import CandidateFailed
from tauto.events import Progress, retold
from tauto.fitting import Fitter, Plan, recovery, scored, supervised
from tauto.reports import FittingReport
from tauto.techniques.pruning.blocks import drop_blocks, redrop_blocks
from tauto.techniques.pruning.both import narrow_both, recut_both
from tauto.techniques.pruning.channels import narrow_channels, recut_channels
from tauto.techniques.pruning.cuts import Cut, answers, output_gradients, reestimate_norms
from tauto.techniques.pruning.heads import narrow_heads, recut_heads
from tauto.techniques.pruning.weights import hold_zeros, let_go, prunable, zero_weights
from tauto.workload import Workload
from tauto.workload.structure import map_tensors

__all__ = ["NOTHING", "WIDE", "Course", "Schedule", "course_of_cuts", "course_of_zeros", "share_after"]

Schedule = Literal["one-shot", "linear", "cubic", "rewind"]
NOTHING = "nothing could be pruned"
WIDE = ("channels", "heads+channels")
"""Structures with widths that are rounded."""
TAYLOR_BATCHES = 16
"""Batches whose gradients tell how much a weight matters."""


@dataclass(slots=True)
class Course:
    """What a pruning did."""

    model: nn.Module
    cuts: list[Cut] = field(default_factory=list)
    zeros: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Zeros and weights by layer."""
    left: dict[str, str] = field(default_factory=dict)
    """What was not pruned, with the reason."""
    halted: dict[str, str] = field(default_factory=dict)
    """What was pruned in a step and could not be in a later one, with the reason."""
    trainings: list[FittingReport] = field(default_factory=list)
    reestimated: bool = False
    """Whether statistics of batch normalisations were taken anew."""


def share_after(schedule: Schedule, share: float, step: int, steps: int) -> float:
    """Return the share that is gone after ``step`` (from 1) of ``steps``.

    ``cubic`` is ``s · (1 − (1 − t)³)`` (Zhu and Gupta, 2017, arXiv:1710.01878); ``rewind`` takes the same share of what
    is left each time (Frankle and Carbin, 2019, arXiv:1803.03635).

    Examples
    --------
    >>> [round(share_after("cubic", 0.8, step, 3), 2) for step in (1, 2, 3)]
    [0.56, 0.77, 0.8]
    """
    part = step / steps
    if schedule == "linear":
        return share * part
    if schedule == "cubic":
        return float(share * (1 - (1 - part) ** 3))
    if schedule == "rewind":
        return float(1 - (1 - share) ** part)
    return share


def course_of_cuts(workload: Workload, config: Any, checkpoint: Path | None = None) -> Course:
    """Return a copy of the workload's model with channels, heads or blocks cut out as ``config`` says.

    Trainings are taken up from ``checkpoint``, a folder.

    Raises
    ------
    CandidateFailed
        When nothing can be cut, or there is nothing to train with.
    """
    narrow, recut = _cutter(workload, config)
    calls, course = _calls(workload), Course(workload.copy_model())
    start = workload.copy_model() if config.schedule == "rewind" else None
    right = [answers(course.model, call) for call in calls]
    train, widths = _trainer(workload, config, checkpoint), dict[str, int]()
    for step in range(1, config.steps + 1):
        share = share_after(config.schedule, config.sparsity, step, config.steps)
        found, left = _cut(narrow, course.model, calls, share, widths)
        course.cuts += found
        _note_left(course, found, left)
        if start is not None:
            recut(start, calls[0], found)
            course.model = _twin(start)
        course.reestimated |= reestimate_norms(course.model, calls, right)
        _train(course, train, step, config.steps)
    if not course.cuts:
        raise CandidateFailed(_nothing(config.structure, course.left))
    return course


def _of_all_steps(step: int, steps: int) -> Callable[[Progress], Progress]:
    """Return what tells of a training after ``step`` as a part of them all: those to come take as long."""
    began = time.monotonic()

    def told(progress: Progress) -> Progress:
        if steps == 1:
            return progress
        left_s = progress.seconds_left
        whole_s = time.monotonic() - began + (left_s or 0.0)
        total_s = None if left_s is None else left_s + (steps - step) * whole_s
        return replace(progress, message=f"step {step} of {steps}, {progress.message}", done=None, seconds_left=total_s)

    return told


def _note_left(course: Course, found: Sequence[Cut], left: dict[str, str]) -> None:
    """Note what the last step left, apart from what one before it had cut; what is cut now is no longer left."""
    cut, now = {one.name for one in course.cuts}, {one.name for one in found}
    course.left = {name: reason for name, reason in (course.left | left).items() if name not in cut}
    wide = {one.name for one in course.cuts if one.kind != "blocks"}  # of a block nothing is left
    halted = {name: reason for name, reason in left.items() if name in wide}
    course.halted = {name: reason for name, reason in (course.halted | halted).items() if name not in now}


def course_of_zeros(workload: Workload, config: Any, checkpoint: Path | None = None) -> Course:
    """Return a copy of the workload's model with its smallest weights at zero as ``config`` says.

    Trainings are taken up from ``checkpoint``, a folder.

    Raises
    ------
    CandidateFailed
        When no weight can be set, or there is nothing to train with.
    """
    calls, course = _calls(workload), Course(workload.copy_model())
    layers, course.left = prunable(course.model)
    if not layers:
        raise CandidateFailed(_nothing("weights", course.left))
    if unknown := [name for name in config.by_layer if name not in layers]:
        why = course.left.get(unknown[0], "the model has no linear or convolutional layer of that name")
        raise CandidateFailed(f"ratios: {unknown[0] or 'the model'} cannot be pruned: {why}")
    start = {name: layer.weight.detach().clone() for name, layer in layers.items()}
    right = [answers(course.model, call) for call in calls]
    train = _trainer(workload, config, checkpoint)
    pattern = config.structure if config.structure == "2:4" else ""
    for step in range(1, config.steps + 1):
        share = share_after(config.schedule, config.sparsity, step, config.steps)
        masks = zero_weights(course.model, share, pattern=pattern, spread=config.spread, ratios=config.by_layer)
        if not masks:
            raise CandidateFailed("no layer has inputs that come in fours")
        if config.schedule == "rewind":
            for name, layer in prunable(course.model)[0].items():
                layer.weight.data.copy_(start[name] * masks.get(name, 1))
        course.reestimated |= reestimate_norms(course.model, calls, right)
        hold_zeros(course.model, masks)
        try:
            _train(course, train, step, config.steps)
        finally:
            let_go(course.model, masks)
    layers = prunable(course.model)[0]
    course.zeros = {name: (int((layer.weight == 0).sum()), layer.weight.numel()) for name, layer in layers.items()}
    if pattern:
        course.left |= {name: "its inputs do not come in fours" for name in layers if name not in masks}
    return course


def _cutter(workload: Workload, config: Any) -> tuple[Callable[..., Any], Callable[..., None]]:
    if config.structure == "blocks":
        return drop_blocks, redrop_blocks
    how = {"importance": config.importance, "spread": config.spread, "ratios": config.by_layer}
    how["gradients"] = _gradients(workload)
    if config.structure in WIDE:
        how |= {"round_to": config.round_to, "min_width": config.min_width}
    narrow, recut = _CUTTERS[config.structure]
    return functools.partial(narrow, **how), recut


_CUTTERS: dict[str, tuple[Callable[..., Any], Callable[..., None]]] = {
    "channels": (narrow_channels, recut_channels),
    "heads": (narrow_heads, recut_heads),
    "heads+channels": (narrow_both, recut_both),
}


def _cut(narrow: Callable[..., Any], model: nn.Module, calls: list[Any], share: float, widths: dict[str, int]) -> Any:
    try:
        return narrow(model, calls, share, widths=widths)
    except Exception as error:  # tracing runs the user's code, and Torch-Pruning raises what it likes
        first = next(iter(str(error).splitlines()), "")[:160]
        if isinstance(error, ValueError) and first.startswith("ratios:"):
            raise CandidateFailed(first) from error
        raise CandidateFailed(f"its layers cannot be traced: {type(error).__name__}: {first}") from error
    finally:
        model.requires_grad_(False)


def _calls(workload: Workload) -> list[Any]:
    return [(call.args, call.kwargs) for call in (workload.example, *workload.samples)]


def _gradients(workload: Workload) -> Callable[[nn.Module], None]:
    training = workload.training

    def fill(model: nn.Module) -> None:
        if training is None or training.loss is None or training.loader is None:
            output_gradients(model, _calls(workload)[:TAYLOR_BATCHES])
            return
        objective = supervised(training.loss, workload.example)
        with torch.enable_grad():
            for batch, _ in zip(training.loader, range(TAYLOR_BATCHES), strict=False):
                objective(model, map_tensors(lambda each: each.to(workload.device), batch)).backward()  # type: ignore[no-untyped-call]

    return fill


def _trainer(workload: Workload, config: Any, checkpoint: Path | None) -> Fitter | None:
    """Return what trains after each step; None when nothing is to be trained."""
    if config.epochs == 0:
        return None
    if workload.training is None:
        raise CandidateFailed(
            f"it is to be trained for {config.epochs} epochs after each step, and nothing to train with was given: "
            "data= (with loss=), or finetune="
        )
    judged: dict[str, Any] = {"task": "prune", "checkpoint": checkpoint}
    if (workload.training.finetune is not None or config.patience is not None) and workload.evaluate is not None:
        # nothing else tells that a function of the user's made it worse, or that more epochs bring nothing
        judged |= {"evaluate": scored(workload), "higher_is_better": workload.rule.higher_is_better}
    plan = Plan(epochs=config.epochs, learning_rate=config.learning_rate, patience=config.patience)
    return recovery(workload.training, workload.copy_model(), plan, example=workload.example, **judged)


def _train(course: Course, train: Fitter | None, step: int, steps: int) -> None:
    if train is not None:
        with retold(_of_all_steps(step, steps)):
            fitted = train(course.model, in_place=True)
        course.trainings.append(fitted.report)
    course.model.eval().requires_grad_(False)


def _twin(model: nn.Module) -> nn.Module:
    import copy

    return copy.deepcopy(model)


def _nothing(what: str, left: dict[str, str]) -> str:
    reasons = "; ".join(f"{name or 'the model'}: {reason}" for name, reason in list(left.items())[:3])
    more = f"; and {len(left) - 3} more" if len(left) > 3 else ""
    return f"{NOTHING} by {what}: {reasons + more or f'the model has no {what} to prune'}"
