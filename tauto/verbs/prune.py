"""Make a model smaller by leaving out what matters least, if that is worth it here and the quality holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import torch
from torch import nn

from tauto.config import Drop, parse_duration
from tauto.errors import InvalidArgument, did_you_mean
from tauto.fitting import epochs_of
from tauto.hardware import Hardware
from tauto.recipes import OptimizedModel, Recipe, Step
from tauto.reports import NotTried
from tauto.results import TuningResult
from tauto.techniques import Applicability, technique
from tauto.techniques.pruning.course import NOTHING, WIDE
from tauto.techniques.pruning.technique import PruneConfig, PruneWeightsConfig
from tauto.techniques.sparsity.technique import LEAST_ZEROS, SparseKernels, SparseKernelsConfig
from tauto.tuning import Budget, Goal, Plan, RatioSearch, Space, Target, is_trained, tune
from tauto.verbs.checkpoints import trainings_in
from tauto.verbs.checks import check_floating, check_labels
from tauto.verbs.delivery import deliver_tuned
from tauto.verbs.targets import check_room, target_of
from tauto.workload import Workload
from tauto.workload.training import FineTune, Loss

__all__ = ["STRUCTURES", "parse_share", "prune"]

STRUCTURES = ("channels", "heads", "heads+channels", "blocks", "weights", "2:4")
"""What can be left out; the last two set weights to zero, the others make layers smaller or drop them."""
SPARSITY = 0.5
EPOCHS = 3
STEPS = 3
_ZEROS = ("weights", "2:4")


def prune(
    model: nn.Module,
    inputs: Any = None,
    *,
    data: Iterable[Any] | None = None,
    evaluate: Callable[[nn.Module], Any] | None = None,
    max_drop: str | float | Drop | None = None,
    metric: str | None = None,
    higher_is_better: bool = True,
    sparsity: str | float | None = None,
    speedup: str | float | None = None,
    latency: str | float | None = None,
    size: str | float | None = None,
    structure: str = "channels",
    importance: str | None = None,
    spread: str | None = None,
    ratios: Mapping[str, float] | None = None,
    steps: int | None = None,
    schedule: str | None = None,
    epochs: int | None = None,
    learning_rate: float = 1e-3,
    loss: Loss | None = None,
    finetune: FineTune | None = None,
    budget: str | float = "10min",
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    isolated: bool = False,
    factory: Callable[[], nn.Module] | None = None,
    name: str | None = None,
) -> TuningResult:
    """Leave out what matters least, train what is left, and keep the result if it is measured to be better.

    Parameters
    ----------
    model, inputs, data, evaluate, max_drop, metric, higher_is_better, factory, name
        As in :meth:`tauto.Workload.of`; the model stays as it is, bit for bit. ``data`` is also trained on.
    sparsity : str or float
        What goes, such as ``0.5`` or ``"50%"`` of the channels (heads, blocks, weights). Default half, where no target
        is given.
    speedup, latency, size : str or float
        A target in its place, one of them: ``"2x"``, ``"3ms"`` (a number is seconds), ``"5MB"`` (a number is bytes).
        The share that reaches it is searched for by measuring here.
    structure : str
        One of :data:`STRUCTURES`. Of a transformer, ``"heads+channels"`` takes the same share of both.
    importance : str, optional
        ``"l1"``, ``"l2"`` (size of the weights; the default), ``"taylor"`` (their part in the loss) or ``"bn_scale"``
        (the scales of batch normalisations; channels that none follows go by ``"l2"``).
    spread : str, optional
        How the share is spread over the layers: ``"uniform"`` (the default), ``"global"``, or ``"sensitivity"`` (less
        where the outputs suffer more; the default for channels with a target).
    ratios : mapping, optional
        The share of some layers by name, in place of that: ``{"conv1": 0.2}``.
    steps, schedule : int, str, optional
        How often something is cut and trained, and how much each time: ``"one-shot"``, ``"linear"``, ``"cubic"`` (the
        default for several steps) or ``"rewind"`` (lottery tickets: what is left gets its first weights back).
    epochs : int, optional
        Of training after each step; default 3 where there is something to train with. 0 trains nothing.
    learning_rate : float
        The highest, of the built-in loop.
    loss, finetune : callable, optional
        ``loss(outputs, labels)`` for the built-in loop over ``data``, or your own ``finetune(model)`` or
        ``finetune(model, epoch)``. With ``data`` alone the model learns to answer as the original does.
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
        ``"kept_original"`` where a smaller model is no faster; ``"infeasible"`` where the target or the quality cannot
        be had, with the nearest miss. Zeros were asked for: ``"improved"`` where sparse kernels make them faster, which
        are tried on many zeros, and ``"applied"`` where nothing does.

    Raises
    ------
    InvalidArgument
        When what is asked for contradicts itself or cannot be; the message says what to write.

    Examples
    --------
    >>> small = tauto.prune(model, data=loader, loss=nn.CrossEntropyLoss(), evaluate=accuracy)  # doctest: +SKIP
    >>> fast = tauto.prune(model, data=loader, evaluate=accuracy, speedup="2x").model  # doctest: +SKIP
    """
    if structure not in STRUCTURES:
        raise InvalidArgument(f"structure: there is no {structure!r}. {did_you_mean(str(structure), STRUCTURES)}")
    target = _target(structure, sparsity=sparsity, speedup=speedup, latency=latency, size=size)
    _check_plain(model)
    _check_ratios(model, ratios)
    _check_importance(model, importance)
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
    check_floating(workload.model)
    check_labels(workload)
    check_room(workload.model, target)
    wish = _Wish(
        structure=structure,
        share=SPARSITY if sparsity is None else parse_share(sparsity),
        importance=importance,
        spread=spread,
        ratios=tuple(f"{layer}={share}" for layer, share in (ratios or {}).items()),
        **_course(steps, schedule),
        epochs=epochs_of(workload.training, epochs, EPOCHS),
        learning_rate=learning_rate,
        patience=patience,
        searched=target is not None,
    )
    wish.recipe(wish.share, whole=True)  # what contradicts itself is told before any work
    hardware = Hardware.current(workload.device.type)
    zeros = structure in _ZEROS
    goal = Goal("size" if target and target.kind == "size" else "latency", as_asked=zeros, target=target)
    with trainings_in(checkpoint, "prune", workload) as trainings:
        plan = Plan(
            "prune",
            lambda: _space(workload, hardware, wish, target),
            clock,
            goal,
            required=True,
            isolated=isolated,
            trainings=trainings,
        )
        return deliver_tuned(tune(workload, plan, hardware), workload, isolated=isolated)


def parse_share(value: str | float, argument: str = "sparsity") -> float:
    """Return a share from ``"50%"`` or ``0.5``.

    Raises
    ------
    InvalidArgument
        When it is none, or not above 0 and below 1.

    Examples
    --------
    >>> parse_share("50%")
    0.5
    """
    number = None if isinstance(value, bool) else value
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d*\.?\d+)\s*(%?)\s*", value)):
        number = float(match[1]) / (100 if match[2] else 1)
    if not isinstance(number, int | float) or not 0 < number < 1:
        raise InvalidArgument(f"{argument}: {value!r} is no share. Write one above 0 and below 1, as '50%' or 0.5.")
    return float(number)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was asked for, from which recipes are made."""

    structure: str
    share: float
    importance: str | None
    spread: str | None
    ratios: tuple[str, ...]
    steps: int
    schedule: str
    epochs: int
    learning_rate: float
    patience: int | None
    searched: bool

    def recipe(self, share: float, whole: bool, **other: str) -> Recipe:
        """Return the recipe for ``share``; not ``whole``: of the cut alone, in one step and without training."""
        kind: type[PruneConfig | PruneWeightsConfig] = PruneWeightsConfig if self.structure in _ZEROS else PruneConfig
        values: dict[str, Any] = {"structure": self.structure, "sparsity": share, "learning_rate": self.learning_rate}
        spread = self.spread or ("sensitivity" if self.searched and self.structure in WIDE else None)
        given = {"importance": self.importance, "spread": spread, "ratios": self.ratios or None, **other}
        values |= {key: value for key, value in given.items() if value is not None}
        if whole:
            values |= {"steps": self.steps, "schedule": self.schedule, "epochs": self.epochs, "patience": self.patience}
        known = {field.name for field in fields(kind)}
        if unknown := [key for key in values if key not in known]:
            raise InvalidArgument(f"{unknown[0]}: it says nothing for structure={self.structure!r}. Leave it out.")
        _check_word(kind, "importance", self.importance)
        _check_word(kind, "spread", self.spread)
        _check_word(kind, "schedule", self.schedule)
        return Recipe.of((_name(self.structure), kind(**values)))


def _check_word(kind: type[Any], argument: str, value: str | None) -> None:
    known = get_args(get_type_hints(kind).get(argument))
    if value is not None and known and value not in known:
        raise InvalidArgument(f"{argument}: there is no {value!r}. {did_you_mean(str(value), known)}".rstrip())


def _name(structure: str) -> str:
    return "prune_weights" if structure in _ZEROS else "prune"


def _target(structure: str, **given: Any) -> Target | None:
    target = target_of(**given)
    if target is not None and structure in _ZEROS:
        raise InvalidArgument(
            f"{target.kind}: zeros take the time and the room of any number in dense layers, and how many sparse ones "
            "would need is not searched for. Say how many: sparsity=0.9; or make layers smaller: structure='channels'."
        )
    return target


def _check_plain(model: nn.Module) -> None:
    """Refuse a model that is the result of a pruning which is still under way, or of TAuto's own."""
    if isinstance(model, OptimizedModel):
        raise InvalidArgument(
            f"model: it is optimized already ({model.recipe.title}), for inference only. Prune your own model, with a "
            "larger share; or what is in it: .module."
        )
    for name, module in model.named_modules() if isinstance(model, nn.Module) else ():
        if isinstance(module, torch.jit.ScriptModule):
            continue  # its dictionaries are no dictionaries; that it cannot travel is said where it would
        masked = next((key.removesuffix("_mask") for key in module._buffers if key.endswith("_mask")), None)
        if masked is not None and f"{masked}_orig" in module._parameters:
            raise InvalidArgument(
                f"model: {name or 'it'} carries a mask of torch.nn.utils.prune over its {masked}. Make it permanent "
                f"first: torch.nn.utils.prune.remove(model.get_submodule({name!r}), {masked!r})."
            )


def _check_ratios(model: Any, ratios: Any) -> None:
    if ratios is None:
        return
    if not isinstance(ratios, Mapping):
        raise InvalidArgument(
            f"ratios: {ratios!r} does not say how much of which layer goes. Write such as {{'conv1': 0.2}}."
        )
    known = [path for path, _ in model.named_modules() if path] if isinstance(model, nn.Module) else list(ratios)
    for layer in ratios:
        if layer not in known:
            raise InvalidArgument(f"ratios: there is no layer {layer!r}. {did_you_mean(str(layer), known)}".rstrip())


def _check_importance(model: Any, importance: str | None) -> None:
    if importance != "bn_scale" or not isinstance(model, nn.Module):
        return
    if not any(isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine for module in model.modules()):
        raise InvalidArgument(
            "importance: 'bn_scale' goes by the scales of batch normalisations, and the model has none. Write 'l2', "
            "'l1' or 'taylor'."
        )


def _course(steps: int | None, schedule: str | None) -> dict[str, Any]:
    if steps is None:
        steps = 1 if schedule in {None, "one-shot"} else STEPS
    if schedule is None:
        schedule = "one-shot" if steps == 1 else "cubic"
    return {"steps": steps, "schedule": schedule}


def _space(workload: Workload, hardware: Hardware, wish: _Wish, target: Target | None) -> Space:
    known = technique(_name(wish.structure))
    for answer in (known.missing(), known.applies_to(workload, hardware)):
        if not answer.applies:
            return Space((), (NotTried(known.name, answer.reason, answer.remedy),))
    if target is None:
        recipe = wish.recipe(wish.share, whole=True)
        return (
            _with_sparse_kernels(recipe, workload, hardware, wish) if wish.structure in _ZEROS else Space((recipe,), ())
        )
    others: list[dict[str, str]] = [{}]
    if wish.structure in WIDE and wish.importance is None and not wish.ratios:
        others += [{"importance": "taylor"}]
    ways = [lambda share, whole, other=other: wish.recipe(share, whole, **other) for other in others]
    trains = wish.epochs > 0 or wish.steps > 1
    return Space((), (), RatioSearch(ways, target, trains, lambda reason: NOTHING in reason), prefers=is_trained)


def _with_sparse_kernels(zeros: Recipe, workload: Workload, hardware: Hardware, wish: _Wish) -> Space:
    """Return the recipe that makes zeros, and the one that has sparse kernels skip them where there are enough."""
    sparse = SparseKernels()
    share = 0.5 if wish.structure == "2:4" else wish.share
    answer = sparse.runs_here(workload, hardware)
    if answer.applies and share < LEAST_ZEROS:
        answer = Applicability.no(
            f"{share:.0%} zeros are too few: sparse kernels are worth a try from {LEAST_ZEROS:.0%}",
            "sparsity=0.9 with structure='weights'",
        )
    if not answer.applies:
        return Space((zeros,), (NotTried(sparse.name, answer.reason, answer.remedy),))
    return Space((zeros, Recipe((*zeros.steps, Step(sparse.name, SparseKernelsConfig())))), ())
