"""The largest weights of a model before and after: histograms, and where they are zero."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from tauto.reports.pictures import GONE, ROW, STAYS, WeightPicture
from tauto.tuning.twins import dense, matrices_of, twins

__all__ = ["picture_of", "weight_pictures"]

LARGEST = 6
"""Layers that are looked at."""
BINS = 40
SPARSE = 0.02
"""Share of zeros from which on a pattern is kept."""
CORNER_ROWS = 32
GRID = 32
CHUNK = 2**22
"""Elements looked at together."""


def weight_pictures(original: nn.Module, optimized: nn.Module) -> tuple[WeightPicture, ...]:
    """Return the pictures of the largest weights of ``original`` that are found again, in order of the model.

    Parameters
    ----------
    original, optimized : torch.nn.Module
        Only read. An engine that keeps its weights in files of its own has none to look at.
    """
    found = twins(original, optimized)
    pairs: list[tuple[str, nn.Module, Tensor, Tensor]] = []
    seen: set[int] = set()
    for path, module in original.named_modules():
        before = _weight(module)
        if before is None or path not in found or before.data_ptr() in seen:
            continue
        seen.add(before.data_ptr())
        if (after := _after(found[path], before)) is not None:
            pairs.append((path, module, before, after))
    kept = {path for path, *_ in sorted(pairs, key=lambda pair: -pair[2].numel())[:LARGEST]}
    with torch.no_grad():
        return tuple(picture_of(*pair) for pair in pairs if pair[0] in kept)


def _weight(module: nn.Module) -> Tensor | None:
    """Return the largest matrix of a module itself as plain numbers; None when it has none to look at."""
    matrices = [each for each in matrices_of(module) if not each.is_meta]
    return dense(max(matrices, key=lambda each: each.numel())) if matrices else None


def _after(module: nn.Module, before: Tensor) -> Tensor | None:
    own = _weight(module)
    if own is not None or not isinstance(module, nn.Sequential) or len(module) != 2:
        return own
    first, second = map(_weight, module)
    if first is None or second is None or first.flatten(1).shape[0] != second.flatten(1).shape[1]:
        return None
    product = second.flatten(1).float() @ first.flatten(1).float()
    return product.reshape(before.shape) if product.numel() == before.numel() else None


def picture_of(path: str, module: nn.Module, before: Tensor, after: Tensor) -> WeightPicture:
    """Return the picture of one layer's weight before and after, as plain numbers."""
    edges = [edge for weight in (before, after) for chunk in _chunks(weight) for edge in _edges(chunk)]
    low, high = (min(edges), max(edges)) if edges else (0.0, 0.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    zeros = _zeros(after)
    matrix = after.flatten(1)
    small = matrix.shape[0] <= CORNER_ROWS and matrix.shape[1] <= ROW
    return WeightPicture(
        name=path,
        kind=type(module).__name__,
        shape_before=tuple(before.shape),
        shape_after=tuple(after.shape),
        low=low,
        high=high,
        before=_bins(before, low, high),
        after=_bins(after, low, high),
        zeros_before=_zeros(before),
        zeros_after=zeros,
        pattern="2:4" if _two_of_four(matrix, zeros) else "",
        corner=_corner(matrix) if zeros >= SPARSE else (),
        tenths=_tenths(matrix) if zeros >= SPARSE and not small else (),
    )


def _chunks(weight: Tensor) -> Iterator[Tensor]:
    """Yield the values that count in bins: finite, and not exactly zero."""
    for part in torch.split(weight.detach().flatten(), CHUNK):
        values = part.float()
        kept = values[values.isfinite() & (values != 0)]
        if kept.numel():
            yield kept


def _edges(chunk: Tensor) -> tuple[float, float]:
    low, high = chunk.aminmax()
    return float(low), float(high)


def _bins(weight: Tensor, low: float, high: float) -> tuple[int, ...]:
    total = torch.zeros(BINS, dtype=torch.float64)
    for chunk in _chunks(weight):
        total += torch.histc(chunk.cpu(), BINS, low, high).double()
    return tuple(int(number) for number in total.tolist())


def _zeros(weight: Tensor) -> float:
    return 1 - int(weight.count_nonzero()) / max(weight.numel(), 1)


def _two_of_four(matrix: Tensor, zeros: float) -> bool:
    if matrix.shape[1] % 4 or not 0.5 <= zeros < 0.6:
        return False
    return bool(((matrix.reshape(-1, 4) == 0).sum(1) >= 2).all())


def _corner(matrix: Tensor) -> tuple[str, ...]:
    rows = (matrix[:CORNER_ROWS, :ROW] != 0).tolist()
    return tuple("".join(STAYS if there else GONE for there in row) for row in rows)


def _tenths(matrix: Tensor) -> tuple[str, ...]:
    rows = []
    for band in matrix.tensor_split(min(GRID, matrix.shape[0])):
        columns = (band == 0).float().mean(0).tensor_split(min(GRID, matrix.shape[1]))
        shares = [float(part.mean()) for part in columns]
        rows.append("".join(f"{math.floor(10 * share + 0.5):X}" for share in shares))
    return tuple(rows)
