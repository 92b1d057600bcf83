"""Layers of one model chosen for by hand: estimated at once, measured when asked, and looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import torch
from torch import Tensor

from tauto.errors import InvalidArgument, did_you_mean
from tauto.hardware import Hardware
from tauto.recipes import Recipe
from tauto.reports import ChoicesReport, LayerChoice, LayerEstimate, SensitivityReport, WeightPicture
from tauto.techniques.pruning.weights import smallest_at_zero
from tauto.tuning.bench import Attempt
from tauto.tuning.fake_quantization import Scheme, quantized_weight
from tauto.tuning.layer_choices import recipe_of
from tauto.tuning.layer_outlook import choices_of, estimate
from tauto.tuning.quantizable import QuantizableLayer, quantizable_layers
from tauto.tuning.weight_pictures import picture_of
from tauto.tuning.workbench import Workbench
from tauto.workload import Workload

__all__ = ["LayerBench"]

Choices = Mapping[str, LayerChoice]


class LayerBench:
    """What can be chosen for each layer of a model, what it is expected to bring, and what it does bring.

    Parameters
    ----------
    workload : Workload
        The model, which is only read, and how it is judged.
    report : SensitivityReport
        Of that model.
    hardware : Hardware
        This machine.

    Examples
    --------
    >>> bench = found.by_hand()  # doctest: +SKIP
    >>> choices = {"fc1": LayerChoice("int8"), "conv": LayerChoice("float32", sparsity=0.5)}  # doctest: +SKIP
    >>> bench.estimate(choices).size_bytes  # doctest: +SKIP
    214016
    >>> bench.measure(bench.recipe(choices, "torch")).comparison.size_ratio  # doctest: +SKIP
    0.61
    """

    def __init__(self, workload: Workload, report: SensitivityReport, hardware: Hardware) -> None:
        self.workload = workload
        self.report = report
        self._hardware = hardware
        self._bench = Workbench(workload, hardware)

    @cached_property
    def options(self) -> ChoicesReport:
        """What there is to choose from."""
        return choices_of(self.workload, self.report, self._hardware)

    def estimate(self, choices: Choices) -> LayerEstimate:
        """Return what ``choices`` are expected to bring together, by layer name; nothing is run."""
        return estimate(self.options, choices)

    def recipe(self, choices: Choices, engine: str) -> Recipe:
        """Return the recipe of ``choices`` in the engine of that name.

        Raises
        ------
        InvalidArgument
            When there is no such layer or engine, or the engine does not compute a layer in what was chosen.
        """
        return recipe_of(self.options, choices, engine)

    def known(self, recipe: Recipe) -> Attempt | None:
        """Return what was measured of ``recipe`` before; None when nothing was."""
        return self._bench.known(recipe)

    def measure(self, recipe: Recipe, tick: Callable[[str], None] = lambda words: None) -> Attempt:
        """Return what ``recipe`` brings, measured in processes of their own; see :meth:`Workbench.measure`."""
        return self._bench.measure(recipe, tick)

    def picture(self, path: str, choice: LayerChoice) -> WeightPicture:
        """Return the weights of one layer as they are and as ``choice`` makes them: histograms, and where zeros are.

        Raises
        ------
        InvalidArgument
            When there is no such layer.
        """
        if path not in self._layers:
            raise InvalidArgument(f"path: there is no layer {path!r}. {did_you_mean(str(path), self._layers)}".rstrip())
        layer = self._layers[path]
        place = max(layer.weights, key=lambda one: one.tensor.numel())
        with torch.no_grad():
            before = place.tensor.detach()
            return picture_of(path, layer.module, before, _chosen(before, place.axis, choice))

    @cached_property
    def _layers(self) -> dict[str, QuantizableLayer]:
        rows = {row.path for row in self.report.rows}
        return {layer.path: layer for layer in quantizable_layers(self.workload.model)[0] if layer.path in rows}


def _chosen(weight: Tensor, axis: int, choice: LayerChoice) -> Tensor:
    """Return ``weight`` as ``choice`` makes it, as float32."""
    made = weight.float()
    if choice.sparsity:
        made = made * smallest_at_zero(made, choice.sparsity)
    if choice.precision == "int8":
        return quantized_weight(made, axis, Scheme(8))
    return made.bfloat16().float() if choice.precision == "bfloat16" else made
