"""What the weights of a model are like, parameter by parameter, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from tauto.errors import InvalidArgument, ModelError
from tauto.events import Progress, emit
from tauto.reports.weights import SkippedWeight, WeightRow, WeightsReport

__all__ = ["BINS", "CHUNK", "analyse_weights"]

BINS = 40
"""Bins of a histogram."""
CHUNK = 2**22
"""Elements looked at together; more of a parameter than this is never copied."""
OUTLIER = 6.0
"""Standard deviations from the mean."""
DEAD = 1e-6
"""Of the parameter's largest magnitude."""
_LEVELS = 127
"""Of symmetric int8 on each side of zero."""
_FINE = 4096
"""Bins of magnitude, from which the smallest half is read."""


def analyse_weights(model: nn.Module, thresholds: Sequence[float], name: str) -> WeightsReport:
    """Return the report on every parameter of ``model``, which is only read.

    Parameters
    ----------
    model : torch.nn.Module
        On any device, of any floating-point type. What is quantized or sparse is named and not analysed.
    thresholds : sequence of float
        Magnitudes at which sparsity is told.
    name : str
        What the report calls it.

    Raises
    ------
    ModelError
        When it has no parameters, or has some without values (meta device, lazy).
    InvalidArgument
        When a threshold is not a positive finite number.
    """
    for threshold in thresholds:
        if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold < math.inf:
            raise InvalidArgument(
                f"thresholds: {threshold!r} is not a magnitude. Write positive numbers such as (1e-4, 1e-2)."
            )
    entries, skipped = _entries(getattr(model, "_orig_mod", model))
    if not entries and not skipped:
        raise ModelError(f"model: {type(model).__name__} has no parameters, so there are no weights to analyse.")
    whole = sum(entry.values.numel() for entry in entries) or 1
    rows, done = [], 0
    for entry in entries:
        emit(Progress("weights", entry.name, done / whole))
        with torch.no_grad():
            rows.append(_row(entry, tuple(thresholds)))
        done += entry.values.numel()
    return WeightsReport(
        model=name,
        elements=sum(row.elements for row in rows),
        size_bytes=sum(entry.values.numel() * entry.values.element_size() for entry in entries),
        thresholds=tuple(float(threshold) for threshold in thresholds),
        rows=tuple(rows),
        skipped=tuple(skipped),
    )


@dataclass(slots=True)
class _Entry:
    name: str
    owner: nn.Module
    values: Tensor
    also: list[str] = field(default_factory=list)


def _entries(model: nn.Module) -> tuple[list[_Entry], list[SkippedWeight]]:
    """Return each parameter once, under its first name, and what cannot be analysed."""
    entries: dict[object, _Entry] = {}
    skipped: dict[object, SkippedWeight] = {}
    for path, module in model.named_modules():
        kind = type(module).__name__
        if type(module).__module__.startswith("torch.ao.nn.") and not list(module.parameters(recurse=False)):
            if hasattr(module, "weight"):
                skipped[path] = SkippedWeight(f"{path}.weight".lstrip("."), kind, "quantized")
            continue
        for short, parameter in module.named_parameters(recurse=False):
            name = f"{path}.{short}" if path else short
            _check_values(name, parameter)
            if why := _unfit(parameter):
                skipped.setdefault(id(parameter), SkippedWeight(name, kind, why))
                continue
            values = parameter.detach()
            known = entries.setdefault(_identity(values), _Entry(name, module, values))
            if known.name != name:
                known.also.append(name)
    return list(entries.values()), list(skipped.values())


def _identity(values: Tensor) -> object:
    if not values.numel():
        return id(values)
    return values.device, values.data_ptr(), values.dtype, tuple(values.shape), values.stride()


def _check_values(name: str, parameter: Tensor) -> None:
    if is_lazy(parameter):
        raise ModelError(f"model: {name} is lazy and not initialised. Call the model once on real inputs first.")
    if parameter.is_meta:
        raise ModelError(f"model: {name} is on the meta device and has no values. Load the weights first.")


def _unfit(parameter: Tensor) -> str:
    if is_traceable_wrapper_subclass(parameter):
        return f"quantized or wrapped ({type(parameter.data).__name__})"
    if parameter.is_quantized or parameter.layout is not torch.strided:
        return "quantized" if parameter.is_quantized else f"sparse ({parameter.layout})".replace("torch.", "")
    if not parameter.is_floating_point():
        return f"not floating point ({str(parameter.dtype).removeprefix('torch.')})"
    return "empty" if not parameter.numel() else ""


def _channel_dimension(entry: _Entry) -> int | None:
    """Return the dimension of the output channels; None for a vector that is no norm's weight."""
    kind = type(entry.owner).__name__
    if entry.values.ndim < 2:
        return 0 if entry.values.ndim and "Norm" in kind and entry.name.endswith("weight") else None
    # transposed convolutions, and the linear layers of GPT-2 (transformers' Conv1D), hold (in, out)
    return 1 if "ConvTranspose" in kind or (kind == "Conv1D" and entry.values.ndim == 2) else 0


@dataclass(slots=True)
class _First:
    """What the first pass finds."""

    low: float = math.inf
    high: float = -math.inf
    total: float = 0.0
    finite: int = 0
    peaks: Tensor | None = None
    """Largest magnitude of each channel."""

    @property
    def largest(self) -> float:
        return max(abs(self.low), abs(self.high))


@dataclass(slots=True)
class _Second:
    """What the second pass finds, given the first."""

    square: float = 0.0
    """Sum of squared deviations from the mean."""
    fourth: float = 0.0
    energy: float = 0.0
    """Sum of squares."""
    tensor_noise: float = 0.0
    channel_noise: float = 0.0
    zeros: int = 0
    below: list[int] = field(default_factory=list)
    bins: list[int] = field(default_factory=list)
    fine: Tensor | None = None
    fine_energy: Tensor | None = None


def _row(entry: _Entry, thresholds: tuple[float, ...]) -> WeightRow:
    dimension = _channel_dimension(entry)
    first = _first_pass(entry.values, dimension)
    found = _second_pass(entry.values, dimension, first, thresholds)
    count, matrix = max(first.finite, 1), entry.values.ndim >= 2
    variance = found.square / count
    return WeightRow(
        name=entry.name,
        kind=type(entry.owner).__name__,
        dtype=str(entry.values.dtype).removeprefix("torch."),
        shape=tuple(entry.values.shape),
        elements=entry.values.numel(),
        not_finite=entry.values.numel() - first.finite,
        low=first.low if first.finite else 0.0,
        high=first.high if first.finite else 0.0,
        mean=first.total / count,
        deviation=math.sqrt(variance),
        excess_kurtosis=found.fourth / count / variance**2 - 3 if variance > 0 and found.fourth else None,
        outliers=_outliers(entry.values, first.total / count, math.sqrt(variance)) if variance else 0,
        zeros=found.zeros / count,
        below=tuple(number / count for number in found.below),
        smallest_half=_smallest_half(found, count),
        histogram=tuple(found.bins),
        channels=None if dimension is None else entry.values.shape[dimension],
        dead_channels=_dead(entry, first),
        int8_tensor_db=_decibels(found.energy, found.tensor_noise) if matrix else None,
        int8_channel_db=_decibels(found.energy, found.channel_noise) if matrix else None,
        also=tuple(entry.also),
    )


def _chunks(values: Tensor, dimension: int | None) -> Iterator[tuple[Tensor, slice]]:
    """Yield ``values`` as matrices of (channels, rest), at most :data:`CHUNK` elements each, in at least float32."""
    rows = values.reshape(-1, 1) if dimension is None else values.movedim(dimension, 0)
    width = max(math.prod(rows.shape[1:]), 1)
    step = max(CHUNK // width, 1)
    wide = torch.float64 if values.dtype == torch.float64 else torch.float32
    for begin in range(0, rows.shape[0], step):
        part = rows[begin : begin + step]
        place = slice(begin, begin + part.shape[0])
        # one channel may itself be larger than a chunk
        for piece in torch.split(part.reshape(part.shape[0], width), max(CHUNK // part.shape[0], 1), dim=1):
            yield piece.to(wide), place


def _first_pass(values: Tensor, dimension: int | None) -> _First:
    found = _First()
    if dimension is not None:
        found.peaks = torch.zeros(values.shape[dimension], dtype=torch.float64)
    for chunk, place in _chunks(values, dimension):
        good = chunk.isfinite()
        whole = bool(good.all())
        kept = chunk if whole else chunk[good]
        if not kept.numel():
            continue
        low, high = torch.aminmax(kept)
        found.low, found.high = min(found.low, float(low)), max(found.high, float(high))
        found.total += float(kept.sum(dtype=torch.float64))
        found.finite += kept.numel()
        if found.peaks is not None:
            peaks = (chunk if whole else chunk.where(good, 0)).abs().amax(1).double().cpu()
            found.peaks[place] = torch.maximum(found.peaks[place], peaks)
    return found


def _second_pass(values: Tensor, dimension: int | None, first: _First, thresholds: tuple[float, ...]) -> _Second:
    found = _Second(below=[0] * len(thresholds), bins=[0] * BINS)
    if not first.finite:
        return found
    mean, largest = first.total / first.finite, first.largest
    found.fine = torch.zeros(_FINE, dtype=torch.float64)
    found.fine_energy = torch.zeros(_FINE, dtype=torch.float64)
    bins = torch.zeros(BINS, dtype=torch.float64)
    for chunk, place in _chunks(values, dimension):
        good = chunk.isfinite()
        chunk = chunk if bool(good.all()) else chunk.where(good, math.nan)
        kept = chunk[good]
        if not kept.numel():
            continue
        apart = (kept - mean).square_()
        found.square += float(apart.sum(dtype=torch.float64))
        found.fourth += float(apart.square_().sum(dtype=torch.float64))
        bins += _histogram(kept, first.low, first.high)
        _count_magnitudes(found, kept.abs(), largest, thresholds)
        if largest > 0 and values.ndim >= 2:
            scale = torch.tensor(largest / _LEVELS, dtype=chunk.dtype, device=chunk.device)
            found.tensor_noise += _noise(chunk, scale)
            if first.peaks is not None:
                scales = (first.peaks[place] / _LEVELS).to(chunk)[:, None]
                found.channel_noise += _noise(chunk, scales)
    found.bins = [int(number) for number in bins.tolist()]
    return found


def _histogram(kept: Tensor, low: float, high: float) -> Tensor:
    if low == high:
        counts = torch.zeros(BINS, dtype=torch.float64)
        counts[0] = kept.numel()
        return counts
    places = ((kept - low) * (BINS / (high - low))).long().clamp_(0, BINS - 1)
    return torch.bincount(places, minlength=BINS).double().cpu()


def _count_magnitudes(found: _Second, sizes: Tensor, largest: float, thresholds: tuple[float, ...]) -> None:
    squares = sizes.square()
    found.energy += float(squares.sum(dtype=torch.float64))
    found.zeros += sizes.numel() - int(sizes.count_nonzero())
    for index, threshold in enumerate(thresholds):
        found.below[index] += int((sizes <= threshold).sum())
    if largest > 0 and found.fine is not None and found.fine_energy is not None:
        places = (sizes * ((_FINE - 1) / largest)).long().clamp_(0, _FINE - 1)
        found.fine += torch.bincount(places, minlength=_FINE).double().cpu()
        found.fine_energy += torch.bincount(places, weights=squares.double(), minlength=_FINE).cpu()


def _noise(chunk: Tensor, scale: Tensor) -> float:
    """Return the sum of squared errors of rounding to the nearest multiple of ``scale``; NaN does not count."""
    safe = scale.where(scale > 0, 1)
    error = (chunk / safe).round_().clamp_(-_LEVELS, _LEVELS).mul_(safe).sub_(chunk)
    return float(error.square_().nansum(dtype=torch.float64))


def _decibels(signal: float, noise: float) -> float | None:
    if signal <= 0:
        return None
    return math.inf if noise <= 0 else 10 * math.log10(signal / noise)


def _outliers(values: Tensor, mean: float, deviation: float) -> int:
    far = 0
    for chunk, _ in _chunks(values, None):
        far += int(((chunk - mean).abs_() > OUTLIER * deviation).logical_and_(chunk.isfinite()).sum())
    return far


def _smallest_half(found: _Second, count: int) -> float | None:
    """Read from the fine bins of magnitude; within a bin the energy is taken to be spread evenly."""
    if found.fine is None or found.fine_energy is None or found.energy <= 0:
        return None
    reached = torch.cumsum(found.fine, 0)
    last = int(torch.searchsorted(reached, torch.tensor(count / 2, dtype=torch.float64)))
    before = float(reached[last - 1]) if last else 0.0
    part = (count / 2 - before) / max(float(found.fine[last]), 1.0)
    energy = float(found.fine_energy[:last].sum()) + part * float(found.fine_energy[last])
    return min(energy / found.energy, 1.0)


def _dead(entry: _Entry, first: _First) -> int:
    if first.peaks is None:
        return 0
    dead = int((first.peaks <= DEAD * first.largest).sum()) if first.finite else 0
    padding = getattr(entry.owner, "padding_idx", None)
    if padding is not None and first.peaks[padding] <= DEAD * first.largest:
        dead -= 1  # an embedding's padding is zero on purpose
    return dead
