"""Weights trained so that rounding them costs little."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tauto import serialization
from tauto.errors import CandidateFailed
from tauto.fitting import Fitted, Plan, epochs_of, length_words, recovery, supervised
from tauto.hardware import Hardware
from tauto.reports import FittingReport
from tauto.techniques.distillation import script as plain
from tauto.techniques.listing import MAPPING, MAPPING_IMPORTS, listed
from tauto.techniques.proof import proved
from tauto.techniques.quantization import rounding
from tauto.techniques.quantization.keeping import check_kept
from tauto.techniques.quantization.quantized import already_quantized, few_names, unreached
from tauto.techniques.registry import register
from tauto.techniques.technique import Account, Applicability, Config, Context, Script, Technique
from tauto.workload import Call, Workload, run_evaluate
from tauto.workload.state import preserved_generators, preserved_rng
from tauto.workload.structure import map_tensors, tensors_of
from tauto.workload.training import Training

__all__ = ["EPOCHS", "QuantizationAware", "QuantizationAwareConfig"]

EPOCHS = 3
JUDGED_BATCHES = 16
"""Over which the user's loss tells the best state of the training, where there is no ``evaluate``."""
DISTANCE = "distance from the original's answers"
"""A share of their length; judges states where neither ``evaluate`` nor a loss over ``data`` does."""
_FOLDER, _MODEL, _TRAINING, _LAYERS = "trained", "model", "training.json", "layers.json"


@dataclass(frozen=True, slots=True)
class QuantizationAwareConfig(Config):
    """What is rounded while training, and for how long.

    Parameters
    ----------
    bits : {8, 4}
        Of the weights. In 8, inputs of layers are rounded too.
    epochs, steps : int or None
        How long: one of the two.
    learning_rate : float
        The highest.
    seed : int
        Of the order of the data, and whatever else is drawn.
    keep : tuple of str
        Dotted names of modules that are not rounded, with all that they hold.
    patience : int or None
        Epochs in turn that find nothing better before the training stops; None stops at none.
    """

    bits: Literal[8, 4] = 8
    epochs: int | None = EPOCHS
    steps: int | None = None
    learning_rate: float = 1e-4
    seed: int = 0
    keep: tuple[str, ...] = ()
    patience: int | None = None

    def __post_init__(self) -> None:
        self.plan()

    def plan(self) -> Plan:
        """Return the plan of the training."""
        return Plan(
            epochs=self.epochs,
            steps=self.steps,
            learning_rate=self.learning_rate,
            patience=self.patience,
            seed=self.seed,
        )


@register
class QuantizationAware(Technique):
    """Train linear layers and convolutions while they compute with rounded numbers; a later step quantizes them.

    The user's own function or loss trains; without either the model learns to answer as it did before.
    """

    name = "qat"
    title = "trained to be rounded"
    faster = False
    family = "training"
    config = QuantizationAwareConfig
    comes_after = frozenset({"distillation", "pruning", "factorization"})

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs layers to round, and something to train with."""
        if layer := already_quantized(workload.model):
            return Applicability.no(f"the model is quantized already: its layer {layer}")
        if not any(type(module) in rounding.KINDS for module in workload.model.modules()):
            return Applicability.no("the model has no plain linear or convolutional layer, and only those are rounded")
        if workload.training is None:
            return Applicability.no("there is nothing to train with", "data=…, or finetune=…")
        return Applicability.yes()

    def space(self, workload: Workload, hardware: Hardware) -> tuple[QuantizationAwareConfig, ...]:
        """Eight bits."""
        return (QuantizationAwareConfig(epochs=epochs_of(workload.training, None, EPOCHS) or EPOCHS),)

    def apply(self, workload: Workload, config: QuantizationAwareConfig, context: Context) -> nn.Module:
        """Return the trained copy, in floating point; it is trained once, and read from its file after that."""
        check_kept(workload.model, config.keep)

        def build(path: Path) -> None:
            layers, fitted = _trained(workload, config, context.checkpoint())
            context.spare(fitted.report)
            path.mkdir()
            serialization.write(rounding.rounding_ends(fitted.model), workload.model, path / _MODEL)
            (path / _TRAINING).write_text(json.dumps(fitted.report.to_dict()))
            (path / _LAYERS).write_text(json.dumps(layers))

        path = context.file(_FOLDER, build)
        model = serialization.read(workload.copy_model(), path / _MODEL).requires_grad_(False)
        return proved(model, workload.example)

    def describe(self, config: Any) -> str:
        """Return such as ``qat (8 bits, 3 epochs, but for head)``."""
        count, unit = (config.epochs, "epoch") if config.epochs else (config.steps, "step")
        length = f"{count} {unit}{'' if count == 1 else 's'}"
        kept = f", but for {', '.join(config.keep)}" if config.keep else ""
        patience = f", patience {config.patience}" if config.patience else ""
        return f"{self.name} ({config.bits} bits, {length}{patience}{kept})"

    def account(self, config: QuantizationAwareConfig, context: Context) -> Account:
        """Return what was rounded and how it was trained."""
        folder = context.folder / _FOLDER
        report = FittingReport.from_dict(json.loads((folder / _TRAINING).read_text()))
        layers = json.loads((folder / _LAYERS).read_text())
        rounded = f"Rounded while training: {few_names(layers['rounded'])}."
        ended = [] if report.stopped == "finished" else [f"The training ended early: {report.reason}."]
        missed = [f"No call reached {few_names(layers['missed'])}: left as given."] if layers["missed"] else []
        if not report.best_step:
            trained = f"Trained for {length_words([report])}, which brought nothing: the weights are as given."
            return Account("", (rounded, trained, *_judged(report), *missed, *ended))
        losses = f"; the loss went from {report.losses[0]:.3g} to {report.losses[-1]:.3g}" if report.losses else ""
        trained = f"Trained for {length_words([report])}{losses}."
        return Account("", (rounded, trained, *_judged(report), *missed, *ended))

    def script(self, config: QuantizationAwareConfig) -> Script:
        """Return the same in plain Python, with a plain training."""
        length = f"epochs={config.epochs}" if config.epochs else f"steps={config.steps}"
        lines = [
            "teacher = copy.deepcopy(model)",
            f"round_layers(model, {config.bits}, {config.keep!r})",
            "# TAuto trained it here with what you gave it; put your own loop in the place of this one",
            f"teach(model, teacher, [(args, kwargs), *data], {length}, learning_rate={config.learning_rate!r})",
            "rounding_ends(model).eval().requires_grad_(False)",
        ]
        kinds = f"KINDS = ({', '.join(f'nn.{kind.__name__}' for kind in rounding.KINDS)})"
        functions = (
            rounding.RoundedWeight,
            rounding.RoundedInput,
            rounding.round_layers,
            rounding.rounding_ends,
            plain.tensors_of,
            plain.teach,
        )
        imports = (*MAPPING_IMPORTS, "import torch.nn.functional as F", "from torch.nn.utils import parametrize")
        return Script(imports, "\n".join(lines), (*MAPPING, kinds, *map(listed, functions)))


def _judged(report: FittingReport) -> list[str]:
    """Return by what a state of the user's own training was chosen, where they named nothing to choose it by."""
    if report.unit == "step" or report.metric != DISTANCE or report.best_score is None:
        return []
    was = f", {100 * report.first_score:.3g}% before the training" if report.best_step and report.first_score else ""
    chosen = f"{100 * report.best_score:.3g}% of their length{was}"
    return [
        f"The state was chosen by how far its rounded answers are from the original's: {chosen}. "
        "Give evaluate=… to have your own figure choose."
    ]


def _trained(
    workload: Workload, config: QuantizationAwareConfig, checkpoint: Path | None
) -> tuple[dict[str, list[str]], Fitted]:
    model, teacher = workload.copy_model(), workload.copy_model()
    train = recovery(
        workload.training,
        teacher,
        config.plan(),
        example=workload.example,
        task="qat",
        checkpoint=checkpoint,
        **_judge(workload, teacher),
    )
    if train is None:
        raise CandidateFailed("there is nothing to train with; give data=, or finetune=")
    layers = rounding.round_layers(model, config.bits, config.keep)
    if not layers:
        raise CandidateFailed("every layer that could be rounded is kept")
    missed = unreached(model, layers, [workload.example, *workload.samples])
    fitted = train(model, in_place=True)
    if not fitted.report.best_step and fitted.report.stopped not in {"finished", "early_stopping"}:
        raise CandidateFailed(f"the training failed: {fitted.report.reason}")
    return {"rounded": [name for name in layers if name not in missed], "missed": missed}, fitted


def _judge(workload: Workload, teacher: nn.Module) -> dict[str, Any]:
    """Return by what states of the training are told apart, of which the model as given is one.

    Few steps at a rate that is too high leave a model worse than rounding alone would.
    """
    training, rule = workload.training, workload.rule
    imitates = training is not None and training.loss is None and training.finetune is None
    if workload.evaluate is not None and not imitates:
        return {"evaluate": _first(workload.evaluate, rule.metric), "higher_is_better": rule.higher_is_better}
    if training is not None and training.loss is not None and training.loader is not None:
        return {"evaluate": _Loss(workload, training), "higher_is_better": False}
    # of the user's own function no loss is known; without evaluate a candidate is proved by the same nearness
    return {"evaluate": _Distance(teacher, workload.samples), "metric": DISTANCE, "higher_is_better": False}


class _Loss:
    """The mean of the user's loss over the first batches."""

    def __init__(self, workload: Workload, training: Training) -> None:
        self.objective = supervised(training.loss, workload.example)
        with preserved_rng(), preserved_generators(training.loader):
            first = list(itertools.islice(training.loader or (), JUDGED_BATCHES))
        self.batches = [map_tensors(lambda each: each.to(workload.device), batch) for batch in first]

    def __call__(self, model: nn.Module) -> float:
        with torch.no_grad():
            losses = [float(self.objective(model, batch)) for batch in self.batches]
        return sum(losses) / max(len(losses), 1)


class _Distance:
    """How far a model's answers are from the teacher's, as a share of their length (Euclidean)."""

    def __init__(self, teacher: nn.Module, calls: Sequence[Call]) -> None:
        self.calls = calls
        with torch.no_grad():
            self.right = [_numbers(call(teacher)) for call in calls]

    def __call__(self, model: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            found = [_numbers(call(model)) for call in self.calls]
        pairs = list(zip(found, self.right, strict=True))
        error = sum(float((mine - its).square().sum()) for mine, its in pairs)
        return {DISTANCE: math.sqrt(error / max(sum(float(its.square().sum()) for _, its in pairs), 1e-12))}


def _numbers(answer: Any) -> Tensor:
    floating = [tensor.double().flatten() for tensor in tensors_of(answer) if tensor.is_floating_point()]
    return torch.cat(floating) if floating else torch.zeros(1, dtype=torch.float64)


def _first(evaluate: Callable[[nn.Module], Any], metric: str | None) -> Callable[[nn.Module], float]:
    """Return ``evaluate`` of one number: the metric that counts, or the first."""

    def one(model: nn.Module) -> float:
        metrics = run_evaluate(evaluate, model)
        return metrics[metric or next(iter(metrics))]

    return one
