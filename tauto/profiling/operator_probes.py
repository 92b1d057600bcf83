"""How much faster this machine does the heaviest products of a cell otherwise, on tensors of the same shapes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from tauto.profiling.flops import count_flops
from tauto.profiling.operator import Operator
from tauto.workload.state import thread_count

__all__ = ["Variant", "can_be_probed", "measured_gain"]

Variant = Literal["bfloat16", "channels_last", "one_thread"]

MOST = 3
"""Products that are measured, the heaviest first."""
_BUDGET_S = 0.05
"""For one product."""
_WHOLE_BUDGET_S = 0.3
_LEAST_ROUNDS, _MOST_ROUNDS = 2, 30
_MOST_ELEMENTS = 2**26
_MOST_FLOPS = 2e8
"""Of one run: of a larger product a part of the batch is taken."""


@dataclass(frozen=True, slots=True)
class _Product:
    """A product that can be run again."""

    run: Callable[[Tensor, Tensor], Tensor]
    first: tuple[int, ...]
    weight: tuple[int, ...]
    is_convolution: bool


def can_be_probed(operator: Operator) -> bool:
    """Return whether ``operator`` is a product in float32 that :func:`measured_gain` can run again."""
    return _product(operator) is not None


def measured_gain(
    heavy: Sequence[tuple[Operator, int]], variant: Variant, *, backward: bool, threads: int
) -> float | None:
    """Return how many times as fast the heaviest products are otherwise; None when none can be run again.

    Parameters
    ----------
    heavy : sequence of (Operator, int)
        Products with the time spent in them, by which they weigh.
    variant : str
        ``"bfloat16"`` (operands converted beforehand; with ``backward`` under autocast), ``"channels_last"``, or
        ``"one_thread"``.
    backward : bool
        Whether the gradients are computed with it, as in training.
    threads : int
        Threads of everything but ``"one_thread"``.
    """
    before = after = 0.0
    products = [(_product(operator), spent) for operator, spent in sorted(heavy, key=lambda one: -one[1])]
    known = [(product, spent) for product, spent in products if product is not None]
    if variant == "channels_last":
        known = [(product, spent) for product, spent in known if product.is_convolution]
    began = time.perf_counter()
    for product, spent in known[:MOST]:
        if before and time.perf_counter() - began > _WHOLE_BUDGET_S:
            break
        before += spent
        after += spent * _ratio(product, variant, backward, threads)
    return before / after if after else None


def _ratio(product: _Product, variant: Variant, backward: bool, threads: int) -> float:
    """Time of the variant over time as it is, the fastest of rounds in turn."""
    plain = _call(product, None, backward)
    other = _call(product, variant, backward)
    fastest = [math.inf, math.inf]
    began = time.perf_counter()
    for index in range(_MOST_ROUNDS):
        for side, call in enumerate((plain, other)):
            with thread_count(1 if side and variant == "one_thread" else threads):
                start = time.perf_counter()
                call()
                fastest[side] = min(fastest[side], time.perf_counter() - start)
        if index >= _LEAST_ROUNDS and time.perf_counter() - began > _BUDGET_S:
            break
    return fastest[1] / fastest[0]


def _call(product: _Product, variant: Variant | None, backward: bool) -> Callable[[], object]:
    generator = torch.Generator().manual_seed(0)
    first, weight = (torch.rand(shape, generator=generator) for shape in (product.first, product.weight))
    if variant == "channels_last":
        first, weight = (one.to(memory_format=torch.channels_last) for one in (first, weight))
    if variant == "bfloat16":
        first = first.bfloat16()
        weight = weight if backward else weight.bfloat16()
    autocast = variant == "bfloat16" and backward

    def call() -> object:
        with torch.autocast("cpu", torch.bfloat16) if autocast else nullcontext(), torch.set_grad_enabled(backward):
            output = product.run(first, weight)
        return torch.autograd.grad(output, (first, weight), torch.ones_like(output)) if backward else output

    if backward:
        first.requires_grad_()
        weight.requires_grad_()
    return call


def _product(operator: Operator) -> _Product | None:
    """Return how to run ``operator`` again; None for what is no product of two known float32 tensors."""
    first, second = operator.shape(0), operator.shape(1)
    if operator.name == "aten::addmm":
        first, second = operator.shape(1), operator.shape(2)
    if not first or not second or set(operator.dtypes[:2]) != {"float"}:
        return None
    if math.prod(first) + math.prod(second) > _MOST_ELEMENTS:
        return None
    if operator.name != "aten::bmm" and len(first) > 1 and len(second) != 3:
        share = _MOST_FLOPS / max(count_flops(operator) or 0, 1)
        first = (max(int(first[0] * min(share, 1.0)), 1), *first[1:])
    match operator.name:
        case "aten::convolution" if len(first) == 4 and not operator.value(6, False):
            stride, padding, dilation = (tuple(operator.value(index, (1, 1))) for index in (3, 4, 5))
            groups = int(operator.value(8, 1))

            def convolve(x: Tensor, weight: Tensor) -> Tensor:
                return functional.conv2d(x, weight, None, stride, padding, dilation, groups)

            return _Product(convolve, first, second, True)
        case "aten::linear":
            return _Product(functional.linear, first, second, False)
        case "aten::addmm" | "aten::mm" | "aten::bmm" | "aten::matmul":
            return _Product(torch.matmul, first, second, False)
    return None
