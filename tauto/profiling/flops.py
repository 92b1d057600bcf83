"""FLOPs of any traced operator: a closed form, a documented few per element, or not counted.

A multiply and an add count as two. Products, convolutions, attention and recurrent layers have closed forms
(:mod:`tauto.profiling.formulas`). Element-wise work counts one per element of the result, whatever the function;
reductions and pooling one per element of the input. Softmax counts 5 an element, normalisation 8 (2 when its
statistics are given), and moving or making data nothing. docs/profiling.md says it for users.
"""

from __future__ import annotations

import math
from functools import cache

import torch

from tauto.profiling.formulas import FORMULAS, SOFTMAX_FLOPS, Formula
from tauto.profiling.operator import Operator

__all__ = ["count_bytes", "count_flops", "hands_on", "is_fused"]


def _names(text: str) -> list[str]:
    return text.split()


_NORMALISE = 8
"""Mean 1, variance 3, subtract and scale 2, weight and bias 2."""
_NORMALISE_KNOWN = 2
"""With given statistics a scale and a shift are left."""

_PER_ELEMENT = {
    "_softmax": SOFTMAX_FLOPS,
    "_log_softmax": SOFTMAX_FLOPS,
    "_masked_softmax": SOFTMAX_FLOPS,
    "_softmax_backward_data": 4,
    "_log_softmax_backward_data": 4,
    "native_layer_norm": _NORMALISE,
    "native_group_norm": _NORMALISE,
    "_fused_rms_norm": 4,
    "native_layer_norm_backward": _NORMALISE,
    "native_group_norm_backward": _NORMALISE,
    "native_batch_norm_backward": _NORMALISE,
    "_native_batch_norm_legit_no_training": _NORMALISE_KNOWN,
    "_transform_bias_rescale_qkv": 2,
    "mse_loss": 3,
    "native_dropout": 2,
    "fused_dropout": 2,
    "binary_cross_entropy": 4,
    "nll_loss_forward": 1,
    "nll_loss2d_forward": 1,
    "embedding_dense_backward": 1,
    "_embedding_bag": 1,
    "linalg_vector_norm": 2,
    "var": 3,
    "var_mean": 4,
    "std": 3,
    "std_mean": 4,
    "_foreach_addcmul_": 3,
    "_foreach_addcdiv_": 3,
    "_foreach_lerp_": 3,
    "_fused_sgd_": 4,
    "_fused_adam_": 12,
    "_fused_adamw_": 14,
    **dict.fromkeys(
        _names(
            "sum nansum mean prod amax amin max min aminmax argmax argmin any all norm logsumexp cumsum cumprod "
            "avg_pool1d avg_pool2d avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d max_pool1d "
            "max_pool2d_with_indices max_pool3d_with_indices mkldnn_max_pool2d adaptive_max_pool2d "
            "avg_pool2d_backward _adaptive_avg_pool2d_backward max_pool2d_with_indices_backward mse_loss_backward "
            "smooth_l1_loss huber_loss binary_cross_entropy_with_logits "
            "_prelu_kernel_backward _thnn_fused_lstm_cell _thnn_fused_gru_cell addr _foreach_add_ _foreach_mul_ "
            "_foreach_div_ _foreach_sub_ _foreach_sqrt _foreach_norm upsample_nearest2d_backward glu "
            "fractional_max_pool2d fractional_max_pool3d col2im im2col_backward _prelu_kernel quantize_per_tensor "
            "quantize_per_channel "
            "quantize_per_tensor_dynamic dequantize fake_quantize_per_tensor_affine_cachemask "
            "fake_quantize_per_channel_affine_cachemask _log_softmax_backward renorm"
        ),
        1,
    ),
}

_MOVES = frozenset(
    _names(
        "copy_ clone _to_copy to contiguous cat _cat stack fill_ zero_ empty empty_like empty_strided "
        "_empty_affine_quantized new_empty new_empty_strided new_zeros new_ones new_full zeros zeros_like "
        "ones ones_like full full_like arange linspace eye scalar_tensor set_ resize_ resize_as_ resize "
        "as_strided_ transpose_ t_ squeeze_ unsqueeze_ detach_ requires_grad_ embedding embedding_backward "
        "index_select index gather scatter scatter_ take nonzero masked_select "
        "roll flip repeat repeat_interleave tile constant_pad_nd pad reflection_pad1d reflection_pad2d "
        "replication_pad1d replication_pad2d tril triu one_hot sort argsort topk unique _unique2 "
        "_nnpack_available cudnn_is_acceptable _has_compatible_shallow_copy_type is_nonzero item "
        "_local_scalar_dense is_same_size result_type lift lift_fresh lift_fresh_copy _unsafe_view "
        "_reshape_copy random_ normal_ uniform_ bernoulli_ exponential_ randn rand randint randperm rand_like "
        "randn_like bernoulli multinomial nll_loss_backward nll_loss2d_backward upsample_nearest1d "
        "upsample_nearest2d upsample_nearest3d channel_shuffle pixel_shuffle pixel_unshuffle im2col "
        "_pin_memory pin_memory is_pinned record_stream _version dense_dim sparse_dim "
        "sym_size sym_stride numel _resize_output_ slice_backward select_backward _fused_sdp_choice "
        "unfold_backward _reshape_alias _pack_padded_sequence _pad_packed_sequence resolve_conj resolve_neg "
        "_mkldnn_reshape to_mkldnn mkldnn_reorder_conv2d_weight _assert_async _functional_assert_async"
    )
)


def _elementwise(op: Operator) -> int:
    return op.elements


def _nothing(op: Operator) -> int:
    return 0


def _per_element(count: int) -> Formula:
    def formula(op: Operator) -> int:
        listed = sum(math.prod(shape) for shape in op.tensor_list(0))
        return count * (listed or math.prod(op.shape(0)))

    return formula


def _batch_norm(op: Operator) -> int:
    """``native_batch_norm`` and its kin take ``training`` as the argument after weight, bias, mean, variance."""
    training = bool(op.value(5, False))
    return math.prod(op.shape(0)) * (_NORMALISE if training else _NORMALISE_KNOWN)


def _dropout(op: Operator) -> int | None:
    """In eval mode nothing happens; in training its children draw, compare and scale."""
    return None if op.value(2, False) else 0


def _added(op: Operator) -> int:
    """``scatter_add`` and its kin: one addition for each element of the source, their fourth argument."""
    return math.prod(op.shape(3))


def _put(op: Operator) -> int:
    """``index_put`` moves its values, or with ``accumulate`` adds them."""
    return math.prod(op.shape(2)) if op.value(3, False) else 0


_ADDS = frozenset(_names("scatter_add scatter_reduce index_add index_reduce"))
_PUTS = frozenset(_names("index_put_ _index_put_impl_ index_put"))


@cache
def _formula(name: str) -> Formula | None:
    """Return how ``name`` is counted, or None: then its children carry its work, or nobody does."""
    if known := FORMULAS.get(name):
        return known
    space, _, short = name.partition("::")
    if space != "aten":
        return None
    if short.removesuffix("_") in ("dropout", "feature_dropout", "alpha_dropout"):
        return _dropout
    if short in ("native_batch_norm", "_native_batch_norm_legit", "cudnn_batch_norm"):
        return _batch_norm
    if short.removesuffix("_") in _ADDS:
        return _added
    if short in _PUTS:
        return _put
    if (count := _PER_ELEMENT.get(short)) is not None:
        return _per_element(count)
    return _nothing if short in _MOVES else _by_schema(short)


def _by_schema(short: str) -> Formula | None:
    """Ask torch's own registry: views move nothing, point-wise operators are element-wise."""
    packet = getattr(torch.ops.aten, short, None)
    if packet is None:
        return None
    overloads = [getattr(packet, name) for name in packet.overloads()]
    if any(torch.Tag.pointwise in overload.tags for overload in overloads):
        return _elementwise
    if overloads and overloads[0].is_view:
        return _nothing
    return None


def is_fused(name: str) -> bool:
    """Return whether ``name`` is a region that ``torch.compile`` made: its own time is that of kernels it fused."""
    return name.startswith("Torch-Compiled Region")


@cache
def hands_on(name: str) -> bool:
    """Return whether torch says of the operator ``name`` that it only calls others, which are counted or named.

    What is no operator (a step of the compiler's wrapper, a function of autograd) does so too.
    """
    space, _, short = name.partition("::")
    if not short:
        return not is_fused(name)
    packet = getattr(getattr(torch.ops, space, None), short, None)
    if packet is None:
        return False
    overloads = (getattr(packet, overload).name() for overload in packet.overloads())
    return any(torch._C._dispatch_has_kernel_for_dispatch_key(full, "CompositeImplicitAutograd") for full in overloads)


def count_flops(op: Operator) -> int | None:
    """Return the FLOPs of one call of ``op``; None when this operator has no formula.

    Examples
    --------
    >>> count_flops(Operator("aten::mm", shapes=((2, 3), (3, 4)), dtypes=("float", "float")))
    48
    """
    formula = _formula(op.name)
    return None if formula is None else formula(op)


_WRITES_FIRST = frozenset(("copy_", "fill_", "zero_", "index_put_", "_index_put_impl_", "scatter_"))


def count_bytes(op: Operator, allocated: int) -> int:
    """Estimate the bytes that one call of ``op`` reads and writes.

    What does arithmetic reads its inputs and writes what it newly allocated (in place: its first input). What
    only moves data reads as much as it writes; views move nothing. Caches are not modelled.

    Parameters
    ----------
    op : Operator
        A call that :func:`count_flops` knows.
    allocated : int
        Bytes allocated less bytes freed while it ran.
    """
    written = max(allocated, 0)
    short = op.name.partition("::")[2]
    if _formula(op.name) in (_nothing, _put):
        return 2 * (op.first_bytes if short in _WRITES_FIRST else written)
    if short.endswith("_"):
        written = op.first_bytes
    return op.input_bytes + written
