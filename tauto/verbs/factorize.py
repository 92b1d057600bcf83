"""Write layers as two of low rank, if that is faster or smaller here and the quality holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from torch import nn

from tauto.config import Drop, parse_duration
from tauto.errors import InvalidArgument, did_you_mean
from tauto.fitting import epochs_of
from tauto.hardware import Hardware
from tauto.recipes import OptimizedModel, Recipe
from tauto.reports import NotTried
from tauto.results import TuningResult
from tauto.techniques import technique
from tauto.techniques.factorization.technique import NOTHING, FactorizeConfig
from tauto.tuning import Budget, Goal, Plan, RatioSearch, Space, Target, is_trained, tune
from tauto.verbs.checkpoints import trainings_in
from tauto.verbs.checks import check_floating, check_labels
from tauto.verbs.delivery import deliver_tuned
from tauto.verbs.targets import check_room, target_of
from tauto.workload import Workload
from tauto.workload.training import FineTune, Loss

__all__ = ["factorize"]

EPOCHS = 3
_OBJECTIVES = ("latency", "size")


def factorize(
    model: nn.Module,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    energy: float | None = None,
    speedup: str | float | None = None,
    latency: str | float | None = None,
    size: str | float | None = None,
    keep: Sequence[str] = (),
    epochs: int | None = None,
    learning_rate: float = 1e-3,
    loss: Loss | None = None,
    finetune: FineTune | None = None,
    objective: Literal["latency", "size"] = "latency",
    budget: str | float = "10min",
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    isolated: bool = False,
    factory: Callable[[], nn.Module] | None = None,
    name: str | None = None,
) -> TuningResult:
    """Write linear and convolutional layers as two of low rank, and keep that if it is measured to be better.

    Ranks are chosen by layer, by the energy that they hold, and only where that saves parameters and multiply-adds.

    Parameters
    ----------
    model, inputs, data, evaluate, max_drop, metric, higher_is_better, factory, name
        As in :meth:`tauto.Workload.of`; the model stays as it is, bit for bit. ``data`` is also trained on.
    energy : float, optional
        Share of the squares of the singular values that each layer keeps, such as 0.9. Default: several are tried.
    speedup, latency, size : str or float, optional
        A target in its place, one of them: ``"1.5x"``, ``"3ms"`` (a number is seconds), ``"5MB"`` (a number is bytes).
        The energy that reaches it is searched for by measuring here.
    keep : sequence of str
        Layers to leave as they are, by name.
    epochs : int, optional
        Of training afterwards; default 3 where there is something to train with. 0 trains nothing.
    learning_rate : float
        The highest, of the built-in loop.
    loss, finetune : callable, optional
        ``loss(outputs, labels)`` for the built-in loop over ``data``, or your own ``finetune(model)`` or
        ``finetune(model, epoch)``. With ``data`` alone the model learns to answer as the original does.
    objective : {"latency", "size"}
        With ``"latency"`` a model that is as fast and clearly smaller is an improvement too; with ``"size"`` a smaller
        one that takes up to twice the time, which is said.
    patience : int, optional
        Epochs in turn that find nothing better before the training stops; default all are taken.
    checkpoint : path, optional
        A folder that the same call goes on from where its training was interrupted, killed or cut off by ``budget``;
        what it keeps there is removed once it has come to its end. Default: a training begins anew.
    budget, isolated
        As in :func:`tauto.autotune`.

    Returns
    -------
    TuningResult
        ``"kept_original"`` where less work is no faster; ``"infeasible"`` where the target or the quality cannot be
        had, with the nearest miss. The notes of each trial name the layers that were left, and why.

    Raises
    ------
    InvalidArgument
        When what is asked for contradicts itself or cannot be; the message says what to write.

    Examples
    --------
    >>> thin = tauto.factorize(model, data=loader, loss=nn.CrossEntropyLoss(), evaluate=accuracy)  # doctest: +SKIP
    >>> fast = tauto.factorize(model, data=loader, evaluate=accuracy, speedup="1.5x").model  # doctest: +SKIP
    """
    if objective not in _OBJECTIVES:
        raise InvalidArgument(f"objective: there is no {objective!r}. {did_you_mean(str(objective), _OBJECTIVES)}")
    target = target_of(speedup, latency, size, energy=energy)
    _check(model, keep)
    clock = Budget(parse_duration(budget))
    workload = Workload.of(
        model,
        inputs=inputs,
        data=data,
        evaluate=evaluate,
        max_drop=max_drop,
        metric=metric,
        higher_is_better=higher_is_better,
        factory=factory,
        name=name,
        loss=loss,
        finetune=finetune,
        trains=epochs != 0,
    )
    check_floating(model)
    check_labels(workload)
    check_room(model, target)
    wish = _Wish(tuple(keep), epochs_of(workload.training, epochs, EPOCHS), learning_rate, patience)
    wish.recipe(0.9 if energy is None else energy)  # what is out of range is told before any work
    hardware = Hardware.current(workload.device.type)
    goal = Goal("size" if target and target.kind == "size" else objective, objective == "latency", target=target)
    with trainings_in(checkpoint, "factorize", workload) as trainings:
        plan = Plan(
            "factorize",
            lambda: _space(workload, hardware, wish, energy, target),
            clock,
            goal,
            required=True,
            isolated=isolated,
            trainings=trainings,
        )
        return deliver_tuned(tune(workload, plan, hardware), workload, isolated=isolated)


class _Wish:
    """What all recipes have in common."""

    def __init__(self, keep: tuple[str, ...], epochs: int, learning_rate: float, patience: int | None) -> None:
        self.keep, self.epochs, self.learning_rate, self.patience = keep, epochs, learning_rate, patience

    def recipe(self, energy: float, whole: bool = True) -> Recipe:
        """Return the recipe for ``energy``; not ``whole``: without training."""
        epochs = self.epochs if whole else 0
        config = FactorizeConfig(
            energy, keep=self.keep, epochs=epochs, learning_rate=self.learning_rate, patience=self.patience
        )
        return Recipe.of(("factorize", config))

    def by_error(self, error: float, whole: bool) -> Recipe:
        """Return the recipe whose weights may be off by this relative error: what a search can step through evenly."""
        return self.recipe(round(1 - error**2, 6), whole)


def _check(model: Any, keep: Any) -> None:
    if isinstance(model, OptimizedModel):
        raise InvalidArgument(
            f"model: it is optimized already ({model.recipe.title}), for inference only. Factorize your own model, or "
            "what is in it: .module."
        )
    if isinstance(keep, str):
        raise InvalidArgument(f"keep: {keep!r} is one name. Put it in a list: [{keep!r}].")
    if not isinstance(model, nn.Module):
        return  # said where workloads are made
    known = [path for path, _ in model.named_modules() if path]
    for layer in keep:
        if layer not in known:
            raise InvalidArgument(f"keep: there is no layer {layer!r}. {did_you_mean(str(layer), known)}".rstrip())


def _space(workload: Workload, hardware: Hardware, wish: _Wish, energy: float | None, target: Target | None) -> Space:
    known = technique("factorize")
    if not (answer := known.applies_to(workload, hardware)).applies:
        return Space((), (NotTried(known.name, answer.reason, answer.remedy),))
    if target is not None:
        return Space(
            (),
            (),
            RatioSearch([wish.by_error], target, wish.epochs > 0, lambda reason: NOTHING in reason),
            prefers=is_trained,
        )
    energies = [energy] if energy is not None else [each.energy for each in _configs(workload, hardware)]
    return Space(tuple(map(wish.recipe, energies)), ())


def _configs(workload: Workload, hardware: Hardware) -> list[FactorizeConfig]:
    return [each for each in technique("factorize").space(workload, hardware) if isinstance(each, FactorizeConfig)]
