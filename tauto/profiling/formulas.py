"""Closed forms of the FLOPs of products, convolutions, attention and recurrent layers.

A multiply and an add count as two. A bias is not counted where it is what the accumulator starts from (linear and
convolution), as in the usual closed forms. Causal attention counts as full attention: the products that a mask
throws away are counted, whether or not a kernel skips them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from tauto.profiling.operator import Operator, Shape

__all__ = ["FORMULAS", "Formula", "attention_flops", "convolution_flops", "product_flops"]

Formula = Callable[[Operator], int | None]
"""FLOPs of one call; None when what was recorded does not tell, and its children are to be asked."""

SOFTMAX_FLOPS = 5
"""Of one element: maximum, subtract, exponential, sum, divide."""

_GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
_CELL_FLOPS = {"lstm": 9, "gru": 10, "rnn_tanh": 2, "rnn_relu": 2}
"""Element-wise work of one hidden unit and step, the products excepted: LSTM 4 gates, 3 for the cell, 2 for the
output; GRU 3 gates, 3 to join the two sides of a gate, 4 to blend; plain 1 to join and 1 to activate."""


def product_flops(left: Shape, right: Shape) -> int:
    """Return FLOPs of ``left @ right``, of shapes ``(…, m, k)`` and ``(…, k, n)``, or vectors: ``2 … m k n``."""
    if not left or not right:
        return 0
    columns = right[-1] if len(right) > 1 else 1
    return 2 * math.prod(left) * columns


def _product(op: Operator, left: int, right: int) -> int:
    return product_flops(op.shape(left), op.shape(right))


def _transposed_product(op: Operator, weight: int) -> int:
    """``x @ weight.T`` for kernels that take the weight as ``(out, in)``."""
    return 2 * math.prod(op.shape(0)) * op.shape(weight)[0] if op.shape(weight) else 0


def convolution_flops(
    shape: Shape, weight: Shape, stride: Shape, padding: Shape, dilation: Shape, transposed: bool
) -> int:
    """Return FLOPs of a convolution of any rank and grouping.

    Parameters
    ----------
    shape : tuple of int
        Of the input, ``(batch, channels, *spatial)``.
    weight : tuple of int
        ``(out, in / groups, *kernel)``; transposed ``(in, out / groups, *kernel)``.
    stride, padding, dilation : tuple of int
        One entry a spatial dimension, or one for all.
    transposed : bool
        Each input position is multiplied by the whole kernel; what falls outside the output is counted too.
    """
    spatial, kernel = shape[2:], weight[2:]
    if transposed:
        return 2 * math.prod(shape) * math.prod(weight[1:])
    steps = (
        (size + 2 * _at(padding, i) - _at(dilation, i) * (kernel[i] - 1) - 1) // _at(stride, i) + 1
        for i, size in enumerate(spatial)
    )
    return 2 * shape[0] * math.prod(steps) * math.prod(weight)


def _at(sizes: Shape, index: int) -> int:
    return sizes[index] if index < len(sizes) else sizes[-1]


def _convolution(op: Operator, stride: int, transposed: int) -> int | None:
    steps, padding, dilation = (op.value(stride + offset) for offset in range(3))
    if not (steps and padding and dilation) or len(op.shape(0)) != len(op.shape(1)):
        return None
    turned = bool(op.value(transposed, False))
    return convolution_flops(op.shape(0), op.shape(1), tuple(steps), tuple(padding), tuple(dilation), turned)


def _pointwise_convolution(op: Operator) -> int | None:
    """Count oneDNN's fused convolution, which takes padding before stride."""
    padding, stride, dilation = (op.value(index) for index in (3, 4, 5))
    if not (padding and stride and dilation):
        return None
    return convolution_flops(op.shape(0), op.shape(1), tuple(stride), tuple(padding), tuple(dilation), False)


def _convolution_backward(op: Operator) -> int | None:
    """Return one forward's FLOPs for each of the gradients asked for, of the input and of the weight."""
    stride, padding, dilation = (op.value(index) for index in (4, 5, 6))
    mask = op.value(10)
    if not (stride and padding and dilation and mask):
        return None
    sizes = tuple(stride), tuple(padding), tuple(dilation)
    forward = convolution_flops(op.shape(1), op.shape(2), *sizes, transposed=bool(op.value(7, False)))
    return forward * sum(map(bool, mask[:2]))


def attention_flops(query: Shape, key: Shape, value: Shape, backward: bool = False) -> int:
    """Return FLOPs of ``softmax(q kᵀ) v``, shapes ``(…, heads, length, width)``.

    Forward ``2 … L S (E + Eᵥ)`` for the two products and five a score for the softmax; backward the scores once
    more and four products. With grouped queries the heads are those of ``query``.
    """
    scores = math.prod(query[:-1]) * key[-2]
    if backward:
        return scores * (2 * (3 * query[-1] + 2 * value[-1]) + SOFTMAX_FLOPS)
    return scores * (2 * (query[-1] + value[-1]) + SOFTMAX_FLOPS)


def _attention(op: Operator, first: int = 0, backward: bool = False) -> int | None:
    query, key, value = (op.shape(first + offset) for offset in range(3))
    if min(len(query), len(key), len(value)) < 3:
        return None
    return attention_flops(query, key, value, backward)


def _sequence_first_attention(op: Operator) -> int | None:
    """Return the same for kernels that take ``(batch, length, heads, width)``."""
    query, key, value = (op.shape(index) for index in range(3))
    if {len(query), len(key), len(value)} != {4}:
        return None
    return attention_flops(_heads_first(query), _heads_first(key), _heads_first(value))


def _heads_first(shape: Shape) -> Shape:
    batch, length, heads, width = shape
    return batch, heads, length, width


def _recurrent(op: Operator, kind: str) -> int | None:
    """Every step multiplies by every weight matrix (of all layers and directions) once."""
    parameters = next((lst for i in (2, 3) if (lst := op.tensor_list(i)) and len(lst[0]) == 2), ())
    weights = [shape for shape in parameters if len(shape) == 2]
    if len(weights) < 2 or not op.shape(0):
        return None
    projected = weights[1][0] != _GATES[kind] * weights[1][1]
    hidden = sum(shape[0] // _GATES[kind] for shape in weights[:: 3 if projected else 2])
    return _steps(op) * (2 * sum(map(math.prod, weights)) + _CELL_FLOPS[kind] * hidden)


def _steps(op: Operator) -> int:
    return math.prod(op.shape(0)[:-1])


def _cell(op: Operator, kind: str) -> int:
    into, within = op.shape(2), op.shape(3)
    hidden = into[0] // _GATES[kind] if into else 0
    return _steps(op) * (2 * (math.prod(into) + math.prod(within)) + _CELL_FLOPS[kind] * hidden)


def _onednn_recurrent(op: Operator, passes: int) -> int:
    into, within = op.shape(1), op.shape(2)
    gates = into[0] // within[1]
    kind = {4: "lstm", 3: "gru"}.get(gates, "rnn_tanh")
    return passes * _steps(op) * (2 * (math.prod(into) + math.prod(within)) + _CELL_FLOPS[kind] * within[1])


_TAPS = {
    "linear1d": 2,
    "bilinear2d": 4,
    "_bilinear2d_aa": 4,
    "trilinear3d": 8,
    "bicubic2d": 16,
    "_bicubic2d_aa": 16,
}
"""Inputs that one element of the result reads."""


def _upsample(op: Operator, taps: int) -> int | None:
    sizes = op.value(1)
    if not isinstance(sizes, list | tuple) or len(op.shape(0)) != len(sizes) + 2:
        return None  # given as factors: it calls itself with sizes
    return 2 * taps * math.prod(op.shape(0)[:2]) * math.prod(sizes)


def _grid_sample(op: Operator) -> int:
    """Bilinear reads four (eight in three dimensions), nearest one, bicubic sixteen inputs for an element."""
    spatial = len(op.shape(1)) - 2
    taps = {0: 1 << spatial, 1: 0, 2: 16}.get(op.value(2, 0), 1 << spatial)
    return 2 * taps * math.prod(op.shape(0)[:2]) * math.prod(op.shape(1)[1:-1])


def _fourier(op: Operator, each: float) -> int | None:
    """``5 N log2 N`` of a complex transform, half of it where one side is real: the convention of FFTW's authors."""
    shape, axes = op.shape(0), op.value(1)
    if not axes or not shape:
        return None
    length = math.prod(shape[axis] for axis in axes)
    return round(each * math.prod(shape) * math.log2(length)) if length else 0


def _packed_product(op: Operator, weight: int) -> int | None:
    """``x @ weight`` where the weight is packed for a kernel: two for each of its elements and each row of ``x``."""
    if len(op.shape(weight)) != 2:
        return None
    return 2 * _steps(op) * math.prod(op.shape(weight))


def _quantized_convolution(op: Operator) -> int | None:
    """Count oneDNN's, which takes input, scale, zero, weight, scales, zeros, bias, and then the sizes."""
    stride, padding, dilation = (op.value(index) for index in (7, 8, 9))
    if not (stride and padding and dilation) or len(op.shape(3)) != len(op.shape(0)):
        return None
    return convolution_flops(op.shape(0), op.shape(3), tuple(stride), tuple(padding), tuple(dilation), False)


_CONVOLUTION = partial(_convolution, stride=3, transposed=6)
_FLASH = ("flash_attention", "flash_attention_for_cpu", "efficient_attention", "cudnn_attention")

FORMULAS: dict[str, Formula] = {
    "aten::mm": partial(_product, left=0, right=1),
    "aten::bmm": partial(_product, left=0, right=1),
    "aten::mv": partial(_product, left=0, right=1),
    "aten::dot": partial(_product, left=0, right=1),
    "aten::vdot": partial(_product, left=0, right=1),
    "aten::_int_mm": partial(_product, left=0, right=1),
    "aten::_scaled_mm": partial(_product, left=0, right=1),
    "aten::addmm": partial(_product, left=1, right=2),
    "aten::addmm_": partial(_product, left=1, right=2),
    "aten::_addmm_activation": partial(_product, left=1, right=2),
    "aten::baddbmm": partial(_product, left=1, right=2),
    "aten::baddbmm_": partial(_product, left=1, right=2),
    "aten::addbmm": partial(_product, left=1, right=2),
    "aten::addmv": partial(_product, left=1, right=2),
    "aten::addmv_": partial(_product, left=1, right=2),
    "aten::mkldnn_linear": partial(_transposed_product, weight=1),
    "mkldnn::_linear_pointwise": partial(_transposed_product, weight=1),
    "mkl::_mkl_linear": partial(_transposed_product, weight=2),
    "aten::_weight_int8pack_mm": partial(_transposed_product, weight=1),
    "aten::convolution": _CONVOLUTION,
    "aten::_convolution": _CONVOLUTION,
    "aten::convolution_overrideable": _CONVOLUTION,
    "aten::mkldnn_convolution": _pointwise_convolution,
    "mkldnn::_convolution_pointwise": _pointwise_convolution,
    "aten::convolution_backward": _convolution_backward,
    "aten::scaled_dot_product_attention": _attention,
    "aten::_scaled_dot_product_attention_math": _attention,
    "aten::_scaled_dot_product_attention_math_for_mps": _attention,
    "aten::_scaled_dot_product_fused_attention_overrideable": _attention,
    "aten::_flash_attention_forward": _sequence_first_attention,
    "aten::_efficient_attention_forward": _sequence_first_attention,
    **{f"aten::_scaled_dot_product_{kernel}": _attention for kernel in _FLASH},
    **{
        f"aten::_scaled_dot_product_{kernel}_backward": partial(_attention, first=1, backward=True) for kernel in _FLASH
    },
    "aten::_fft_c2c": partial(_fourier, each=5),
    "aten::_fft_r2c": partial(_fourier, each=2.5),
    "aten::_fft_c2r": partial(_fourier, each=5),  # its input is one half already
    "aten::grid_sampler_2d": _grid_sample,
    "aten::grid_sampler_3d": _grid_sample,
    "onednn::qlinear_pointwise": partial(_packed_product, weight=3),
    "onednn::qconv_pointwise": _quantized_convolution,
    "onednn::qconv2d_pointwise": _quantized_convolution,
    **{
        f"aten::{'_' if name[0] == '_' else ''}upsample_{name.lstrip('_')}": partial(_upsample, taps=taps)
        for name, taps in _TAPS.items()
    },
    **{f"aten::{kind}": partial(_recurrent, kind=kind) for kind in _GATES},
    **{f"aten::{kind}_cell": partial(_cell, kind=kind) for kind in _GATES},
    "aten::mkldnn_rnn_layer": partial(_onednn_recurrent, passes=1),
    "aten::mkldnn_rnn_layer_backward": partial(_onednn_recurrent, passes=2),
}
"""Formulas by operator name. The first name met on the way down the call tree counts; what is below does not."""
