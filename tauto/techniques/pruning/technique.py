"""Fewer channels, heads, blocks or weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import nn

from tauto import serialization
from tauto.errors import InvalidArgument
from tauto.fitting import Plan, epochs_of
from tauto.hardware import Hardware
from tauto.techniques.proof import proved
from tauto.techniques.pruning.account import read_account, write_account
from tauto.techniques.pruning.attention import NarrowAttention
from tauto.techniques.pruning.blocks import Skip
from tauto.techniques.pruning.channels import has_heads
from tauto.techniques.pruning.course import Course, Schedule, course_of_cuts, course_of_zeros
from tauto.techniques.pruning.script import cuts_script, zeros_script
from tauto.techniques.quantization.quantized import already_quantized
from tauto.techniques.registry import register
from tauto.techniques.technique import Account, Applicability, Config, Context, Script, Technique
from tauto.workload import Workload

__all__ = ["Prune", "PruneConfig", "PruneWeights", "PruneWeightsConfig"]

serialization.add_kind(Skip)
serialization.add_kind(
    NarrowAttention, ("embed_dim", "num_heads", "head_dim", "dropout", "bias", "kdim", "vdim", "batch_first")
)

FOLDER = "pruned"
LAYERS = (nn.Linear, nn.modules.conv._ConvNd)
Structure = Literal["channels", "heads", "heads+channels", "blocks"]
Importance = Literal["l1", "l2", "taylor", "bn_scale"]


@dataclass(frozen=True, slots=True)
class PruneConfig(Config):
    """What is cut out of a model, how it is chosen, and what follows.

    Parameters
    ----------
    structure : {"channels", "heads", "heads+channels", "blocks"}
        ``channels`` are those of convolutions and the hidden widths of linear layers.
    sparsity : float
        Share of them that goes, above 0 and below 1; work and size fall faster.
    importance : {"l1", "l2", "taylor", "bn_scale"}
        Size of the weights, their part in the loss (weight × gradient), or the scale of the batch normalisation.
    spread : {"uniform", "global", "sensitivity"}
        The same share of each layer; the least important wherever they are; less where the outputs suffer more.
    ratios : tuple of str
        The share of some layers in place of that, as ``"conv1=0.3"``.
    steps : int
        How often something is cut, and trained after it.
    schedule : {"one-shot", "linear", "cubic", "rewind"}
        How much each time; ``rewind`` gives what is left its first weights back before it is trained.
    epochs, learning_rate : int, float
        Of training after each step; 0 epochs train nothing.
    patience : int or None
        Epochs in turn that find nothing better before the training stops; None stops at none.
    round_to, min_width : int
        Widths become multiples of the one, and not less than the other (or a tenth).
    """

    structure: Structure = "channels"
    sparsity: float = 0.5
    importance: Importance = "l2"
    spread: Literal["uniform", "global", "sensitivity"] = "uniform"
    ratios: tuple[str, ...] = ()
    steps: int = 1
    schedule: Schedule = "one-shot"
    epochs: int = 0
    learning_rate: float = 1e-3
    round_to: int = 8
    min_width: int = 8
    patience: int | None = None

    def __post_init__(self) -> None:
        _check(self)
        _ = self.by_layer
        if self.structure == "blocks" and (self.ratios or self.importance != "l2" or self.spread != "uniform"):
            raise InvalidArgument(
                "structure: blocks are chosen by what the outputs miss; leave importance, spread and ratios out."
            )
        if self.structure == "heads" and self.spread == "sensitivity":
            raise InvalidArgument("spread: of heads it is 'uniform' or 'global'.")
        if self.structure == "heads" and self.importance == "bn_scale":
            raise InvalidArgument("importance: heads have no batch normalisation. Write 'l1', 'l2' or 'taylor'.")

    @property
    def by_layer(self) -> dict[str, float]:
        """:attr:`ratios` as numbers by name."""
        return _by_layer(self.ratios)


@dataclass(frozen=True, slots=True)
class PruneWeightsConfig(Config):
    """Which weights become zero, and what follows; the other fields are those of :class:`PruneConfig`.

    Parameters
    ----------
    structure : {"weights", "2:4"}
        Single weights anywhere, or two of every four neighbours.
    spread : {"global", "uniform", "named"}
        The smallest of all layers together; the same share of each; or only layers named by ``ratios``.
    ratios : tuple of str
        With ``named``: the share of each layer that is changed, as ``"conv1=0.3"``; ``sparsity`` means nothing then.
    """

    structure: Literal["weights", "2:4"] = "weights"
    sparsity: float = 0.5
    spread: Literal["global", "uniform", "named"] = "global"
    steps: int = 1
    schedule: Schedule = "one-shot"
    epochs: int = 0
    learning_rate: float = 1e-3
    ratios: tuple[str, ...] = ()
    patience: int | None = None

    def __post_init__(self) -> None:
        _check(self)
        _ = self.by_layer
        if (self.spread == "named") != bool(self.ratios):
            raise InvalidArgument("ratios: shares of single layers go with spread='named', and that with ratios.")
        if self.ratios and (self.structure == "2:4" or self.steps > 1):
            raise InvalidArgument("ratios: single layers are pruned of single weights, in one step.")
        if self.structure == "2:4" and (self.sparsity != 0.5 or self.steps != 1):
            raise InvalidArgument("sparsity: 2:4 sets two of every four weights to zero, which is half, in one step.")

    @property
    def by_layer(self) -> dict[str, float]:
        """:attr:`ratios` as numbers by name."""
        return _by_layer(self.ratios)


class _Pruning(Technique):
    """What both kinds have in common."""

    family = "pruning"
    comes_after = frozenset({"distillation"})
    cannot_be_with = frozenset({"pruning"})

    def applies_to(self, workload: Workload, hardware: Hardware) -> Applicability:
        """It needs linear or convolutional layers in floating point."""
        if layer := already_quantized(workload.model):
            return Applicability.no(f"the model is quantized already: its layer {layer}")
        layers = [module for module in workload.model.modules() if isinstance(module, LAYERS)]
        if not layers:
            return Applicability.no("the model has no linear or convolutional layer, and only those are pruned")
        if not any(each.is_floating_point() for layer in layers for each in layer.parameters(recurse=False)):
            return Applicability.no("its layers are not in floating point, and only those are pruned")
        return Applicability.yes()

    def apply(self, workload: Workload, config: Any, context: Context) -> nn.Module:
        """Return a pruned copy; it is made once, and read from its file after that."""

        def build(path: Path) -> None:
            course = self._course(workload, config, context.checkpoint())
            for training in course.trainings:
                context.spare(training)
            proved(course.model, workload.example)
            path.mkdir()
            serialization.write(course.model, workload.model, path / "model")
            write_account(path, course, workload)

        path = context.file(FOLDER, build)
        model = serialization.read(workload.copy_model(), path / "model").requires_grad_(False)
        return proved(model, workload.example)

    def account(self, config: Any, context: Context) -> Account:
        """Return what was cut, what was left and why, and how it was trained."""
        return read_account(context.folder / FOLDER)

    def describe(self, config: Any) -> str:
        """Return such as ``prune (50 % of channels, taylor, 3 steps cubic, 2 epochs each)``."""
        kinds = config.structure.replace("+", " and ")
        if config.spread == "named":
            what = ", ".join(f"{share:.0%} of {name or 'the model'}" for name, share in config.by_layer.items())
            return f"{self.name} ({what})"
        what = "2:4 weights" if config.structure == "2:4" else f"{config.sparsity:.0%} of {kinds}"
        ordinary = self.config()
        others = [(getattr(config, name, ""), getattr(ordinary, name, "")) for name in ("importance", "spread")]
        words = [what, *(word for word, usual in others if word != usual)]
        words += [f"but {', '.join(config.ratios)}"] if getattr(config, "ratios", ()) else []
        words += [f"{config.steps} steps {config.schedule}"] if config.steps > 1 else []
        if config.epochs:
            each = " each" if config.steps > 1 else ""
            words.append(f"{config.epochs} epoch{'' if config.epochs == 1 else 's'}{each}")
            words += [f"patience {config.patience}"] if config.patience else []
        return f"{self.name} ({', '.join(words)})"

    def _course(self, workload: Workload, config: Any, checkpoint: Path | None) -> Course:
        raise NotImplementedError


@register
class Prune(_Pruning):
    """Cut out channels, hidden widths, attention heads or blocks; Torch-Pruning finds what must go together.

    Layers that cannot be cut are left, by name with the reason; the forward pass is checked after each cut, against
    what the model answers when nothing reads what was cut.
    """

    name = "prune"
    title = "fewer channels, heads or blocks"
    config = PruneConfig
    modules = ("torch_pruning",)

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """Return half of the channels, and where there are heads half of both."""
        epochs = epochs_of(workload.training, None, 3)
        found = [PruneConfig(epochs=epochs)]
        if any(map(has_heads, workload.model.modules())):
            found.append(PruneConfig("heads+channels", epochs=epochs))
        return tuple(found)

    def script(self, config: PruneConfig) -> Script:
        """Return the same in plain Python."""
        return cuts_script(config)

    def _course(self, workload: Workload, config: PruneConfig, checkpoint: Path | None) -> Course:
        return course_of_cuts(workload, config, checkpoint)


@register
class PruneWeights(_Pruning):
    """Set the smallest weights to zero; layers keep their shape, and dense kernels their time.

    What sparse kernels make of the zeros is another step: ``sparse_kernels``.
    """

    name = "prune_weights"
    title = "small weights at zero"
    faster = False
    config = PruneWeightsConfig

    def space(self, workload: Workload, hardware: Hardware) -> tuple[Config, ...]:
        """Return half of the weights of each layer."""
        epochs = epochs_of(workload.training, None, 3)
        return (PruneWeightsConfig(spread="uniform", epochs=epochs),)

    def script(self, config: PruneWeightsConfig) -> Script:
        """Return the same in plain Python."""
        return zeros_script(config)

    def _course(self, workload: Workload, config: PruneWeightsConfig, checkpoint: Path | None) -> Course:
        return course_of_zeros(workload, config, checkpoint)


def _check(config: PruneConfig | PruneWeightsConfig) -> None:
    _share("sparsity", config.sparsity, config.sparsity)
    for name, least in (("steps", 1), ("epochs", 0), ("round_to", 1), ("min_width", 1)):
        value = getattr(config, name, least)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InvalidArgument(f"{name}: {value!r} is no number of {name}. Write a whole number from {least}.")
    if not (isinstance(config.learning_rate, int | float) and 0 < config.learning_rate < math.inf):
        raise InvalidArgument(f"learning_rate: {config.learning_rate!r} is out of range. Write a number above 0.")
    Plan(epochs=1, patience=config.patience)  # says what is wrong with it
    if (config.steps > 1) == (config.schedule == "one-shot"):
        raise InvalidArgument(
            f"steps: {config.steps} with schedule={config.schedule!r} say different things. One step is 'one-shot'; "
            "several are 'linear', 'cubic' or 'rewind'."
        )
    if config.schedule == "rewind" and not config.epochs:
        raise InvalidArgument("epochs: 'rewind' gives weights back to be trained again. Say for how many epochs.")


def _by_layer(ratios: tuple[str, ...]) -> dict[str, float]:
    parts = [(text.rpartition("="), text) for text in ratios]
    return {name: _share("ratios", number, text) for (name, _, number), text in parts}


def _share(argument: str, value: Any, written: Any) -> float:
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = math.nan
    if not 0 < share < 1 or isinstance(value, bool):
        hint = "as 'conv1=0.3'" if argument == "ratios" else "such as 0.5"
        raise InvalidArgument(f"{argument}: {written!r} is no share. Write one above 0 and below 1, {hint}.")
    return share
