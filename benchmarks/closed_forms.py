"""FLOPs of well-known architectures, written out by hand: arithmetic on sizes, and nothing of TAuto's.

What is counted is said in docs/profiling.md: a multiply and an add are two; a bias is what an accumulator starts from;
softmax is five a score, layer norm eight an element, batch norm in eval mode two, an LSTM's unit nine beside its
products; whatever else is done element by element is one an element of the result, pooling one an element of its
input; embedding and moving data cost nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

__all__ = ["bert", "decoding", "gpt2", "lstm", "mlp", "mobilenet_v2", "resnet", "vit"]

SOFTMAX = 5
LAYER_NORM = 8
BATCH_NORM = 2
LSTM_UNIT = 9
TANH_GELU = 8
"""GPT-2 writes it out: a power, three products, two sums, a tanh and one product more, each an operator."""


def mlp(batch: int, widths: Sequence[int]) -> int:
    """Linear layers with a ReLU between them."""
    products = sum(2 * batch * one * two for one, two in itertools.pairwise(widths))
    return products + sum(batch * width for width in widths[1:-1])


def _conv_norm(out: int, side: int, reads: int, activated: bool) -> int:
    """A convolution of which each output element reads ``reads`` inputs, its batch norm, and its activation."""
    return side * side * out * (2 * reads + BATCH_NORM + activated)


def resnet(batch: int, image: int, depths: Sequence[int], widths: Sequence[int], labels: int) -> int:
    """ResNet of bottlenecks, the stride in the middle convolution (version 1.5)."""
    side = image // 2
    total = _conv_norm(64, side, 3 * 49, True) + 64 * side * side  # max pooling reads each once
    side, width = side // 2, 64
    for stage, (depth, out) in enumerate(zip(depths, widths, strict=True)):
        for block in range(depth):
            stride = 2 if stage and not block else 1
            inner = out // 4
            total += _conv_norm(inner, side, width, True)
            after = side // stride
            total += _conv_norm(inner, after, 9 * inner, True) + _conv_norm(out, after, inner, False)
            if width != out or stride > 1:
                total += _conv_norm(out, after, width, False)
            total += 2 * after * after * out  # the residual, and its ReLU
            side, width = after, out
    return batch * (total + side * side * width + 2 * width * labels)


_INVERTED = ((6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, repeats and stride of the first, from table 2 of the paper (arXiv:1801.04381)."""


def mobilenet_v2(batch: int, image: int, labels: int) -> int:
    """MobileNetV2 of width 1."""
    side, width = image // 2, 16
    total = _conv_norm(32, side, 27, True) + _conv_norm(32, side, 9, True) + _conv_norm(16, side, 32, False)
    for expansion, out, repeats, first in _INVERTED:
        for block in range(repeats):
            stride = 1 if block else first
            inner, after = expansion * width, side // stride
            total += _conv_norm(inner, side, width, True) + _conv_norm(inner, after, 9, True)
            total += _conv_norm(out, after, inner, False)
            total += out * after * after if stride == 1 and width == out else 0
            side, width = after, out
    total += _conv_norm(1280, side, width, True) + 1280 * side * side
    return batch * (total + 2 * 1280 * labels)


def _attention(rows: int, keys: int, width: int, heads: int) -> int:
    """Queries, keys, values and output by a product each; scores and their softmax; the residual."""
    scores = heads * rows * keys
    return 8 * rows * width * width + 4 * rows * keys * width + SOFTMAX * scores + rows * width


def _feed_forward(rows: int, width: int, inner: int, activation: int) -> int:
    return 4 * rows * width * inner + activation * rows * inner + rows * width


def _block(rows: int, keys: int, width: int, heads: int, inner: int, activation: int) -> int:
    norms = 2 * LAYER_NORM * rows * width
    return norms + _attention(rows, keys, width, heads) + _feed_forward(rows, width, inner, activation)


def vit(batch: int, image: int, patch: int, width: int, layers: int, heads: int, inner: int, labels: int) -> int:
    """Vision transformer, classified by its first token."""
    patches = (image // patch) ** 2
    rows = patches + 1
    embedding = 2 * patches * width * 3 * patch * patch + rows * width
    blocks = layers * _block(rows, rows, width, heads, inner, 1)
    return batch * (embedding + blocks + LAYER_NORM * rows * width + 2 * width * labels)


def bert(batch: int, length: int, width: int, layers: int, heads: int, inner: int) -> int:
    """BERT without its pooler: three embeddings summed and normalised, then the layers."""
    embedding = (2 + LAYER_NORM) * length * width
    return batch * (embedding + layers * _block(length, length, width, heads, inner, 1))


def gpt2(rows: int, keys: int, width: int, layers: int, heads: int, vocabulary: int) -> int:
    """GPT-2 on ``rows`` new tokens of one sequence that see ``keys`` tokens, with the scores of all of the rows."""
    blocks = layers * _block(rows, keys, width, heads, 4 * width, TANH_GELU)
    return rows * width + blocks + LAYER_NORM * rows * width + 2 * rows * width * vocabulary


def decoding(prompt: int, tokens: int, cache: bool, width: int, layers: int, heads: int, vocabulary: int) -> int:
    """Greedy decoding of ``tokens`` tokens after ``prompt``: the best of the last row's scores, token by token."""
    total = 0
    for step in range(tokens):
        length = prompt + step
        rows = 1 if cache and step else length
        total += gpt2(rows, length, width, layers, heads, vocabulary) + vocabulary
    return total


def lstm(batch: int, steps: int, width: int, hidden: int, layers: int, labels: int) -> int:
    """A stack of LSTM layers, and the last step classified."""
    total = 0
    for layer in range(layers):
        into = hidden if layer else width
        total += steps * (2 * 4 * hidden * (into + hidden) + LSTM_UNIT * hidden)
    return batch * (total + 2 * hidden * labels)
