"""How far values are from those they should be, summed up piece by piece."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tauto.reports.layers import LayerError

__all__ = ["CHUNK", "Deviation", "unlike"]

CHUNK = 2**22
"""Elements that are widened to float64 together."""


@dataclass(slots=True)
class Deviation:
    """Sums over pairs of tensors, from which the figures of a :class:`~tauto.reports.LayerError` follow.

    The signal-to-quantization-noise ratio is ``10 · log10(Σ ref² / Σ (out − ref)²)``, as in
    ``torch.ao.ns.fx.utils.compute_sqnr`` and Widrow and Kollár, *Quantization Noise* (2008), §1. Sums are in float64
    (on a device without it, on the CPU), and pooled: a figure is of all that was added, not a mean of figures.
    """

    signal: float = 0.0
    other: float = 0.0
    product: float = 0.0
    noise: float = 0.0
    largest: float = 0.0
    elements: int = 0
    not_finite: int = 0
    discrete: int = 0
    differing: int = 0

    def add(self, reference: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        """Add pairs of tensors for which :func:`unlike` has nothing to say."""
        for one, other in zip(map(_plain, reference), map(_plain, outputs), strict=True):
            if _floating(one):
                for pair in _chunks(one, other):
                    self._add_values(*pair)
            else:
                self.discrete += one.numel()
                self.differing += int((one != other.to(one.device)).sum())

    def _add_values(self, reference: Tensor, output: Tensor) -> None:
        finite = torch.isfinite(reference) & torch.isfinite(output)
        if not bool(finite.all()):
            odd = ~finite
            same = (reference == output) | (torch.isnan(reference) & torch.isnan(output))
            self.not_finite += int((odd & ~same).sum())
            reference, output = reference[finite], output[finite]
        self.elements += reference.numel()
        difference = output - reference
        self.signal += float(reference @ reference)
        self.other += float(output @ output)
        self.product += float(reference @ output)
        self.noise += float(difference @ difference)
        self.largest = max(self.largest, float(difference.abs().max()) if difference.numel() else 0.0)

    def relative_to(self, signal: float) -> float:
        """Return ``‖out − ref‖`` over the length whose square is ``signal``; infinite when something is not finite."""
        if self.not_finite:
            return math.inf
        if self.noise == 0:
            return 0.0
        return math.sqrt(self.noise / signal) if signal > 0 else math.inf

    def error(self) -> LayerError:
        """Return the figures of all that was added."""
        changed = self.differing / self.discrete if self.discrete else None
        if not self.elements and not self.not_finite:
            return LayerError(None, None, None, None, changed, self.not_finite)
        if self.not_finite:
            return LayerError(-math.inf, math.inf, None, math.inf, changed, self.not_finite)
        return LayerError(self._snr_db(), self.relative_to(self.signal), self._cosine(), self.largest, changed, 0)

    def _snr_db(self) -> float:
        if self.noise == 0:
            return math.inf
        return 10 * math.log10(self.signal / self.noise) if self.signal > 0 else -math.inf

    def _cosine(self) -> float:
        if self.noise == 0:
            return 1.0
        lengths = math.sqrt(self.signal) * math.sqrt(self.other)
        return max(-1.0, min(1.0, self.product / lengths)) if lengths > 0 else 0.0


def unlike(reference: Sequence[Tensor], outputs: Sequence[Tensor]) -> str:
    """Return in words why two lists of tensors cannot be compared; empty when they can."""
    if len(reference) != len(outputs):
        return f"it returns {_tensors(len(outputs))} where the original returns {_tensors(len(reference))}"
    for one, other in zip(reference, outputs, strict=True):
        if one.is_nested or other.is_nested:
            return "it returns nested tensors"
        if one.shape != other.shape:
            return f"its output is {list(other.shape)} where the original's is {list(one.shape)}"
        if _floating(one) != _floating(other):
            kinds = [str(tensor.dtype).removeprefix("torch.") for tensor in (one, other)]
            return f"its output is {kinds[1]} where the original's is {kinds[0]}"
    return ""


def _tensors(count: int) -> str:
    return {0: "no tensor", 1: "one tensor"}.get(count, f"{count} tensors")


def _floating(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex() or tensor.is_quantized


def _plain(tensor: Tensor) -> Tensor:
    values = tensor.detach()
    if values.is_quantized:
        values = values.dequantize()
    if values.layout is not torch.strided:
        values = values.to_dense()
    return torch.view_as_real(values.resolve_conj()) if values.is_complex() else values


def _chunks(reference: Tensor, output: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    device = torch.device("cpu") if reference.device.type == "mps" else reference.device
    pieces = (torch.split(tensor.reshape(-1), CHUNK) for tensor in (reference, output))
    for one, other in zip(*pieces, strict=True):
        yield one.to(device).double(), other.to(device).double()
