"""What choices for single layers are expected to bring: estimates, from an analysis of sensitivity and the weights.

Noise is counted in power over that of the signal, so that it adds up over layers. What the outputs make of the noise
of one layer is known from int8 (of the outputs, and of the layer's own); noise of other origin is taken to go the same
way. The sum is scaled by what all layers in int8 did together.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from tauto.hardware import Hardware
from tauto.reports import Quality, SensitivityReport, SensitivityRow
from tauto.reports.choices import ChoicesReport, LayerChoice, LayerEstimate, LayerOption
from tauto.techniques.pruning.weights import prunable
from tauto.tuning.layer_choices import engine_options
from tauto.tuning.quantizable import quantizable_layers
from tauto.tuning.sensitivity import damage
from tauto.workload import Workload

__all__ = ["BFLOAT16_NOISE", "SHARES", "choices_of", "estimate", "lost_energy"]

SHARES = tuple(step / 20 for step in range(20))
"""Of zeros: what a slider can be set to."""
BFLOAT16_NOISE = 3 * 0.541 * 2**-14 / 12
"""Of a product whose weights, inputs and result are rounded to bfloat16 (8 bits): each number is off evenly within half
a step of 2⁻⁷ of its power of two; 0.541 is the mean of 1/m² over mantissas m that are spread evenly in their
logarithm (Knuth, TAOCP vol. 2, §4.2.4)."""
_SAMPLE = 2**16
"""Weights of a layer of which the noise of zeros is told: evenly picked."""


def choices_of(workload: Workload, report: SensitivityReport, hardware: Hardware) -> ChoicesReport:
    """Return what can be chosen for each layer of ``report``, and what each choice alone is expected to do.

    The weights of ``workload.model`` are only read; ``hardware`` tells measured ceilings where it has them.
    """
    zeroed = prunable(workload.model)[0]
    gain = _bfloat16_gain(hardware)
    weights = {
        layer.path: sum(place.tensor.numel() for place in layer.weights)
        for layer in quantizable_layers(workload.model)[0]
    }
    layers = tuple(_option(row, weights.get(row.path, 0), zeroed.get(row.path), gain) for row in report.rows)
    worst = _worst(report.together_quality)
    return ChoicesReport(
        model=report.model,
        size_bytes=report.size_bytes,
        shares=SHARES,
        layers=layers,
        engines=engine_options(workload, report, hardware),
        noise_scale=_scale(damage(report.together), [one.int8_noise for one in layers]) or 1.0,
        drop_scale=None if worst is None else _scale(worst.drop, [one.int8_drop for one in layers]),
        metric="" if worst is None else worst.metric,
        allowed_drop=None if worst is None else worst.allowed_drop,
    )


def _option(row: SensitivityRow, weights: int, layer: nn.Module | None, gain: float | None) -> LayerOption:
    int8 = damage(row.error) if row.error is not None and math.isfinite(damage(row.error)) else None
    own = damage(row.own)
    passed_on = int8 / own if int8 is not None and 0 < own < math.inf else None
    lost = () if layer is None else lost_energy(layer.get_parameter("weight").detach(), SHARES)
    time = None if row.work_share is None or gain is None else row.work_share * (1 - 1 / max(gain, 1.0))
    drop = _worst(row.quality)
    return LayerOption(
        path=row.path,
        kind=row.kind,
        size_bytes=row.size_bytes,
        int8_bytes=row.size_bytes - row.saved_bytes,
        bfloat16_bytes=2 * weights,
        weights=weights,
        int8_noise=int8,
        bfloat16_noise=None if passed_on is None else passed_on * BFLOAT16_NOISE,
        zeros_noise=() if passed_on is None else tuple(passed_on * share for share in lost),
        int8_drop=None if drop is None else drop.drop,
        int8_time=row.time_saved,
        bfloat16_time=time,
    )


def _worst(quality: Sequence[Quality]) -> Quality | None:
    return max(quality, key=lambda one: one.drop - one.allowed_drop, default=None)


def _scale(together: float, alone: Sequence[float | None]) -> float | None:
    """Return how many times the sum of all ``alone`` what they did ``together`` is; None where that is not known."""
    total = sum(one for one in alone if one is not None)
    if None not in alone and total == together == 0:
        return 1.0
    if None in alone or not 0 < total < math.inf or not 0 <= together < math.inf:
        return None
    return together / total


def _bfloat16_gain(hardware: Hardware) -> float | None:
    """Return how many times as fast as float32 a product in bfloat16 was here; None where that was not measured."""
    gflops = hardware.ceilings().gflops
    return gflops["bfloat16"] / gflops["float32"] if "bfloat16" in gflops else None


def lost_energy(weight: Tensor, shares: Sequence[float]) -> tuple[float, ...]:
    """Return the share of the squared sum of ``weight`` that its smallest values make, at each of ``shares``.

    Of large weights that is told of some 65,000 values, evenly picked.

    Examples
    --------
    >>> lost_energy(torch.tensor([3.0, -1.0, 0.0, 0.0]), (0.0, 0.5, 0.75))
    (0.0, 0.0, 0.1)
    """
    values = weight.flatten()[:: -(-weight.numel() // _SAMPLE)].double()
    squares = torch.nan_to_num(values).square().sort().values
    total = float(squares.sum())
    sums = torch.cat([squares.new_zeros(1), squares.cumsum(0)])
    places = [round(share * len(squares)) for share in shares]
    return tuple(float(sums[place]) / total if total > 0 else 0.0 for place in places)


def estimate(options: ChoicesReport, choices: Mapping[str, LayerChoice]) -> LayerEstimate:
    """Return what ``choices`` are expected to bring together; layers that are not among them stay as they are.

    Examples
    --------
    >>> estimate(options, {"fc1": LayerChoice("int8"), "fc2": LayerChoice("float32", 0.5)}).snr_db  # doctest: +SKIP
    34.1
    """
    size, noise, drop, saved, zeros = options.size_bytes, 0.0, 0.0, 0.0, 0.0
    heard: bool = True
    judged = options.drop_scale is not None
    timed = False
    for layer in options.layers:
        choice = choices.get(layer.path, LayerChoice())
        narrow = choice.precision != "float32"
        size -= layer.size_bytes - _bytes(layer, choice)
        parts = [_noise(layer, choice)] if narrow else []
        parts += [_at(layer.zeros_noise, options.shares, choice.sparsity)] if choice.sparsity else []
        heard = heard and None not in parts
        noise += sum(part for part in parts if part is not None)
        judged = judged and choice.precision != "bfloat16" and not choice.sparsity
        drop += (layer.int8_drop or 0.0) if choice.precision == "int8" else 0.0
        time = _time(layer, choice)
        timed = timed or time is not None
        saved += time or 0.0
        zeros += choice.sparsity * layer.weights
    noise *= options.noise_scale
    return LayerEstimate(
        size_bytes=size,
        snr_db=None if not heard else math.inf if noise == 0 else -10 * math.log10(noise),
        drop=drop * options.drop_scale if judged and options.drop_scale is not None else None,
        time_saved=min(saved, 1.0) if timed else None,
        zeros=zeros / max(sum(layer.weights for layer in options.layers), 1),
    )


def _bytes(layer: LayerOption, choice: LayerChoice) -> int:
    return {"int8": layer.int8_bytes, "bfloat16": layer.bfloat16_bytes, "float32": layer.size_bytes}[choice.precision]


def _noise(layer: LayerOption, choice: LayerChoice) -> float | None:
    return layer.int8_noise if choice.precision == "int8" else layer.bfloat16_noise


def _time(layer: LayerOption, choice: LayerChoice) -> float | None:
    return {"int8": layer.int8_time, "bfloat16": layer.bfloat16_time, "float32": None}[choice.precision]


def _at(noise: Sequence[float], shares: Sequence[float], share: float) -> float | None:
    """Return the noise at the largest of ``shares`` that is not above ``share``."""
    return noise[bisect_right(shares, share + 1e-9) - 1] if noise else None
