"""Layers written as two thinner ones."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tauto import serialization
from tauto.errors import CandidateFailed, InvalidArgument
from tauto.fitting import Plan, epochs_of, length_words, recovery, scored, state_words
from tauto.hardware import Hardware
from tauto.reports import FittingReport
from tauto.techniques.factorization import layers as factorizing
from tauto.techniques.factorization.layers import factorize_layers, obstacles
from tauto.techniques.listing import MAPPING, MAPPING_IMPORTS, listed
from tauto.techniques.proof import proved, reduced
from tauto.techniques.registry import register
from tauto.techniques.technique import Account, Applicability, Config, Context, Script, Technique
from tauto.workload import Workload
from tauto.workload.structure import flatten

__all__ = ["NOTHING", "WATCHED", "Factorize", "FactorizeConfig"]

NOTHING = "no layer could be written as two"
"""How the refusal of an energy begins that is too high to save anything."""
FOLDER = "factorized"
ACCOUNT = "account.json"
WATCHED = 4
"""Varied calls that are watched besides the example, in case the model takes another path for some inputs."""
MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class FactorizeConfig(Config):
    """How much of each layer is kept, and what follows.

    Parameters
    ----------
    energy : float
        Share of the sum of squares of a weight's singular values that its rank keeps, above 0 and below 1; the
        relative error of the weight is then at most ``sqrt(1 - energy)``.
    multiple : int
        Ranks are rounded up to multiples of it, as kernels want them.
    keep : tuple of str
        Layers to leave as they are, by name.
    epochs, learning_rate : int, float
        Of training afterwards; 0 epochs train nothing.
    patience : int or None
        Epochs in turn that find nothing better before the training stops; None stops at none.
    """

    energy: float = 0.9
    multiple: int = 8
    keep: tuple[str, ...] = ()
    epochs: int = 0
    learning_rate: float = 1e-3
    patience: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.energy, bool) or not isinstance(self.energy, int | float) or not 0 < self.energy < 1:
            raise InvalidArgument(f"energy: {self.energy!r} is no share. Write one above 0 and below 1, such as 0.9.")
        for name, least in (("multiple", 1), ("epochs", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InvalidArgument(f"{name}: {value!r} is out of range. Write a whole number from {least}.")
        if not (isinstance(self.learning_rate, int | float) and 0 < self.learning_rate < math.inf):
            raise InvalidArgument(f"learning_rate: {self.learning_rate!r} is out of range. Write a number above 0.")
        Plan(epochs=1, patience=self.patience)  # says what is wrong with it


@register
class Factorize(Technique):
    """Write linear and convolutional layers as two by their largest singular values, where that is less work.

    A layer is left, by name with the reason, where the rank that holds the energy saves no parameters and
    multiply-adds, where others read its weight, where it is tied, convolves in groups, or has hooks.
    """

    name = "factorize"
    title = "layers written as two of low rank"
    family = "factorization"
    config = FactorizeConfig
    comes_after = frozenset({"distillation", "pruning"})

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs plain linear or convolutional layers."""
        layers, left = obstacles(workload.model)
        if layers:
            return Applicability.yes()
        if not left:
            return Applicability.no("the model has no linear or convolutional layer, and only those are factorized")
        name, reason = next(iter(left.items()))
        return Applicability.no(
            f"none of its {len(left)} layers can be written as two; {name or 'the model'}: {reason}"
        )

    def space(self, workload: Workload, hardware: Hardware) -> tuple[FactorizeConfig, ...]:
        """Return three energies; less is kept where the model can be trained after it."""
        trained = workload.training is not None
        energies = (0.8, 0.6, 0.9) if trained else (0.9, 0.8, 0.95)
        epochs = epochs_of(workload.training, None, 3)
        return tuple(FactorizeConfig(energy, epochs=epochs) for energy in energies)

    def apply(self, workload: Workload, config: FactorizeConfig, context: Context) -> nn.Module:
        """Return a copy with layers of low rank; it is made once, and read from its file after that."""

        def build(path: Path) -> None:
            model, told = _factorized(workload, config, context)
            path.mkdir()
            serialization.write(model, workload.model, path / "model")
            (path / ACCOUNT).write_text(json.dumps(told))

        path = context.file(FOLDER, build)
        model = serialization.read(workload.copy_model(), path / "model", in_place=True)
        return proved(model.requires_grad_(False), workload.example)

    def account(self, config: FactorizeConfig, context: Context) -> Account:
        """Return which layers were changed, which were left and why, and how it was trained."""
        told = json.loads((context.folder / FOLDER / ACCOUNT).read_text())
        return Account(_summary(told), tuple(_notes(told)))

    def describe(self, config: Any) -> str:
        """Return such as ``factorize (90 % energy, 3 epochs)``."""
        words = [f"{100 * config.energy:.4g} % energy"]
        words += [f"multiples of {config.multiple}"] if config.multiple != 8 else []
        words += [f"but for {', '.join(config.keep[:3])}{' and more' * (len(config.keep) > 3)}"] if config.keep else []
        words += [f"{config.epochs} epoch{'' if config.epochs == 1 else 's'}"] if config.epochs else []
        words += [f"patience {config.patience}"] if config.patience else []
        return f"{self.name} ({', '.join(words)})"

    def script(self, config: FactorizeConfig) -> Script:
        """Return the same in plain Python."""
        functions: tuple[Callable[..., object], ...] = (
            factorizing.WeightReaders,
            factorizing.obstacles,
            factorizing.rank_of,
            factorizing.worth_it,
            factorizing.spectrum,
            factorizing.in_two,
            factorizing.put_in_place,
            factorize_layers,
        )
        imports = (
            *MAPPING_IMPORTS,
            "from typing import Any",
            "from torch.overrides import TorchFunctionMode",
            "from torch.utils._pytree import tree_leaves",
        )
        body = [
            f"calls = [(args, kwargs), *data[:{WATCHED}]]",
            *(["original = copy.deepcopy(model)"] if config.epochs else []),
            f"factorize_layers(model, calls, {config.energy!r}, {config.multiple!r}, {config.keep!r})",
            *_training_script(config),
            "model.eval().requires_grad_(False)",
        ]
        training = (listed(flatten), listed(finetune)) if config.epochs else ()
        constants = ("CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)",)
        listings = (*MAPPING, *constants, *map(listed, functions), *training)
        return Script(imports, "\n".join(body), listings)


def finetune(model: nn.Module, original: nn.Module, calls: list[Any], epochs: int, learning_rate: float) -> None:
    """Train ``model`` to answer as ``original`` does: what a script does in the place of the user's own training."""
    model.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    for _ in range(epochs):
        for args, kwargs in calls:
            with torch.no_grad():
                right = flatten(original(*args, **kwargs))[0]
            pairs = zip(flatten(model(*args, **kwargs))[0], right, strict=True)
            losses = [nn.functional.mse_loss(*pair) for pair in pairs if pair[1].is_floating_point()]
            torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()


def _training_script(config: FactorizeConfig) -> list[str]:
    if not config.epochs:
        return []
    return [
        "# TAuto trained here with what you gave it; put your own loop in the place of this one",
        f"finetune(model, original, [(args, kwargs), *data], {config.epochs}, {config.learning_rate!r})",
    ]


def _factorized(workload: Workload, config: FactorizeConfig, context: Context) -> tuple[nn.Module, dict[str, Any]]:
    model = workload.copy_model()
    if unknown := [name for name in config.keep if name not in dict(model.named_modules())]:
        raise CandidateFailed(f"keep names {unknown[0]!r}, and the model has no such layer")
    calls = [(call.args, call.kwargs) for call in (workload.example, *workload.samples[:WATCHED])]
    before = _counts(model, workload)
    try:
        ranks, left = factorize_layers(model, calls, config.energy, config.multiple, config.keep)
    except Exception as error:  # the user's code, watched by a dispatch mode
        raise CandidateFailed(f"the model cannot be watched while it runs: {reduced(error)}") from error
    if not ranks:
        raise CandidateFailed(f"{NOTHING}: {_first_reasons(left)}")
    proved(model, workload.example)
    report = _trained(model, workload, config, context.checkpoint())
    told = {"ranks": ranks, "left": left, "before": before, "after": _counts(model, workload), "training": None}
    if report is not None:
        context.spare(report)
        losses = report.losses
        fall = f"; the loss went from {losses[0]:.3g} to {losses[-1]:.3g}" if losses else ""
        told["training"] = [f"Trained afterwards, {length_words([report])}{fall}.", state_words(report)]
    return proved(model, workload.example), told


def _trained(
    model: nn.Module, workload: Workload, config: FactorizeConfig, checkpoint: Path | None
) -> FittingReport | None:
    if not config.epochs:
        return None
    if workload.training is None:
        raise CandidateFailed(
            f"it is to be trained for {config.epochs} epochs, and nothing to train with was given: data= (with loss=), "
            "or finetune="
        )
    judged: dict[str, Any] = {"task": "factorize", "checkpoint": checkpoint}
    if workload.evaluate is not None:
        judged |= {"evaluate": scored(workload), "higher_is_better": workload.rule.higher_is_better}
    plan = Plan(epochs=config.epochs, learning_rate=config.learning_rate, patience=config.patience)
    train = recovery(workload.training, workload.copy_model(), plan, example=workload.example, **judged)
    return train(model, in_place=True).report if train is not None else None


def _counts(model: nn.Module, workload: Workload) -> list[int]:
    """Return the parameters, and the multiply-adds of linear and convolutional layers for the example.

    By hooks: torch's own counter would import its compiler, which takes seconds in each new process.
    """
    work = [0]

    def count(layer: Any, args: Any, output: torch.Tensor) -> None:
        work[0] += output.numel() // layer.weight.shape[0] * layer.weight.numel()

    layers = [each for each in model.modules() if isinstance(each, (nn.Linear, *factorizing.CONVOLUTIONS))]
    handles = [layer.register_forward_hook(count) for layer in layers]
    try:
        with torch.no_grad():
            workload.example(model)
    finally:
        for handle in handles:
            handle.remove()
    return [sum(each.numel() for each in model.parameters()), work[0]]


def _summary(told: dict[str, Any]) -> str:
    (parameters, work), (fewer, less) = told["before"], told["after"]
    words = f"{1 - fewer / parameters:.0%} fewer parameters"
    return f"{words} and {1 - less / work:.0%} fewer multiply-adds" if work else words


def _notes(told: dict[str, Any]) -> list[str]:
    ranks = [f"{name} {rank} of {full}" for name, (rank, full) in told["ranks"].items()]
    notes = [f"Written as two, by rank: {_few(ranks)}."]
    by_reason: dict[str, list[str]] = {}
    for name, reason in told["left"].items():
        by_reason.setdefault(reason, []).append(name or "the model")
    notes += [f"Left as it is: {_few(names)} ({reason})." for reason, names in by_reason.items()]
    training = told["training"]
    if training is None:
        return [*notes, "It was not trained afterwards."]
    return [*notes, *filter(None, training)]


def _few(items: list[str]) -> str:
    more = len(items) - MOST_NAMES
    return ", ".join(items) if more <= 0 else f"{', '.join(items[:MOST_NAMES])} and {more} more"


def _first_reasons(left: dict[str, str]) -> str:
    reasons = "; ".join(f"{name or 'the model'}: {reason}" for name, reason in list(left.items())[:3])
    return f"{reasons}; and {len(left) - 3} more" if len(left) > 3 else reasons
