"""How close a candidate's outputs are to the original's."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tauto.errors import CandidateFailed
from tauto.reports.comparison import Agreement
from tauto.workload.call import Call
from tauto.workload.quality import MIN_SAMPLES
from tauto.workload.state import evaluating, seeded, thread_count
from tauto.workload.structure import describe, map_tensors, tensors_of

__all__ = ["MAX_SAMPLES", "check_outputs", "compare_outputs", "outputs_of"]

MAX_SAMPLES = 256


def outputs_of(
    model: nn.Module,
    calls: Sequence[Call],
    *,
    max_samples: float = MAX_SAMPLES,
    time_cap_s: float = math.inf,
    seed: int = 0,
) -> list[Any]:
    """Return copies of the model's outputs on the CPU, one for each of the first ``calls``.

    It stops after ``max_samples`` samples, or after ``time_cap_s`` once there are 64. The model runs in ``eval()``
    under ``inference_mode()``; modes and random states are restored. One that draws random numbers draws the same
    under the same ``seed``.
    """
    outputs: list[Any] = []
    samples, end = 0, time.perf_counter() + time_cap_s
    with evaluating(model), torch.inference_mode(), seeded(seed), thread_count(None):
        for call in calls:
            # engines may reuse their output buffers
            outputs.append(map_tensors(lambda tensor: tensor.detach().to("cpu", copy=True), call(model)))
            samples += call.batch
            if samples >= max_samples or (samples >= MIN_SAMPLES and time.perf_counter() > end):
                break
    return outputs


def check_outputs(reference: Sequence[Any], model: nn.Module, calls: Sequence[Call], *, seed: int = 0) -> Agreement:
    """Run ``model`` on as many ``calls`` as there are ``reference`` outputs, and compare.

    Raises
    ------
    CandidateFailed
        When its outputs differ in structure, shape or dtype, or are not finite where the reference's are.
    """
    taken = calls[: len(reference)]
    return compare_outputs(
        reference, outputs_of(model, taken, max_samples=sum(c.batch for c in taken), seed=seed), taken
    )


def compare_outputs(reference: Sequence[Any], outputs: Sequence[Any], calls: Sequence[Call]) -> Agreement:
    """Compare outputs (of any nesting) call by call with those of the original.

    Floating-point outputs count by cosine and relative error, others by the share of elements that differ, as
    a relative error of that share and a cosine of one less it. An output that is zero throughout a call is held
    against the size of the same output over all calls.

    Raises
    ------
    CandidateFailed
        When they differ in structure, shape or dtype, or are not finite where the reference's are.
    """
    taken = list(zip(calls, reference, outputs, strict=True))
    for _, expected, output in taken:
        _check_alike(expected, output)
    slots: list[list[_Sums]] = []
    worst_share = 0.0
    for _, expected, output in taken:
        pairs = list(zip(tensors_of(expected), tensors_of(output), strict=True))
        slots.append([_sums(ref, out) for ref, out in pairs if _floating(ref)])
        shares = [_share_changed(ref, out) for ref, out in pairs if not _floating(ref)]
        worst_share = max([worst_share, *shares])
    scores = [score for slot in zip(*slots, strict=True) for score in _scores(slot)]
    return Agreement(
        cosine=min([1.0 - worst_share, *(cosine for cosine, _ in scores)]),
        relative_error=max([worst_share, *(error for _, error in scores)]),
        same_answer=_same_answer(taken),
        samples=sum(call.batch for call, _, _ in taken),
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over one output of one call: reference², output², their product, difference², and elements."""

    reference: float
    output: float
    product: float
    difference: float
    elements: int


def _floating(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _sums(reference: Tensor, output: Tensor) -> _Sums:
    r, o = _flat(reference), _flat(output)
    finite = torch.isfinite(r)  # where it is not, both are the same infinity or NaN
    r, o = r[finite], o[finite]
    d = o - r
    return _Sums(float(r @ r), float(o @ o), float(r @ o), float(d @ d), r.numel())


def _flat(tensor: Tensor) -> Tensor:
    dense = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    return dense.double().flatten()


def _scores(slot: Sequence[_Sums]) -> Iterator[tuple[float, float]]:
    """Yield cosine and relative error of one output for each call."""
    mean_square = sum(sums.reference for sums in slot) / max(1, sum(sums.elements for sums in slot))
    for sums in slot:
        if sums.difference == 0.0:
            yield 1.0, 0.0
        elif sums.reference > 0.0:
            cosine = sums.product / math.sqrt(sums.reference * sums.output) if sums.output > 0.0 else 0.0
            yield min(1.0, cosine), math.sqrt(sums.difference / sums.reference)
        elif mean_square > 0.0:
            error = math.sqrt(sums.difference / (mean_square * sums.elements))
            yield 1.0 - min(1.0, error) ** 2 / 2, error  # of a small angle with that sine
        else:
            yield 0.0, 1.0


def _share_changed(reference: Tensor, output: Tensor) -> float:
    return float((reference != output).double().mean()) if reference.numel() else 0.0


def _same_answer(taken: Sequence[tuple[Call, Any, Any]]) -> float | None:
    """Return the share of samples with the same arg max, where the first output is ``[N, C > 1]``."""
    same = samples = 0
    for call, expected, output in taken:
        firsts = tensors_of(expected)[:1], tensors_of(output)[:1]
        for reference, other in zip(*firsts, strict=True):
            if not _class_scores(reference, call.batch):
                return None
            same += int((reference.argmax(1) == other.argmax(1)).sum())
            samples += call.batch
    return same / samples if samples else None


def _class_scores(tensor: Tensor, batch: int) -> bool:
    return tensor.is_floating_point() and tensor.ndim == 2 and tensor.shape[0] == batch and tensor.shape[1] > 1


def _check_alike(reference: Any, output: Any) -> None:
    before, after = _structure(reference), _structure(output)
    if before != after:
        raise CandidateFailed(f"outputs differ in structure: {before} became {after}")
    for was, now in zip(describe(reference), describe(output), strict=True):
        if was != now:
            what = "dtype" if was.partition("[")[2] == now.partition("[")[2] else "shape"
            raise CandidateFailed(f"outputs differ in {what}: {was} became {now}")
    for expected, given in zip(tensors_of(reference), tensors_of(output), strict=True):
        if _floating(expected) and not _alike_where_not_finite(expected, given):
            raise CandidateFailed("outputs hold NaN or infinite values where the original's do not")


def _alike_where_not_finite(reference: Tensor, output: Tensor) -> bool:
    odd = ~(torch.isfinite(reference) & torch.isfinite(output))
    if not bool(odd.any()):
        return True
    return torch.equal(_flat(reference[odd]).nan_to_num(), _flat(output[odd]).nan_to_num())


def _structure(value: Any) -> str:
    """Return the nesting in words, such as ``tuple(Tensor, dict(a: Tensor))``; constants by their type."""
    kind = type(value).__name__
    if isinstance(value, Tensor):
        return "Tensor"
    if isinstance(value, tuple | list):
        return f"{kind}({', '.join(map(_structure, value))})"
    if isinstance(value, Mapping):
        return f"{kind}({', '.join(f'{key}: {_structure(item)}' for key, item in value.items())})"
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return f"{kind}({', '.join(f'{name}: {_structure(item)}' for name, item in fields.items())})"
    return kind
