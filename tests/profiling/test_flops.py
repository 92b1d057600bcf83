from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

from tauto.profiling import Operator, ProfileSession, count_flops, profile_model


def flops_of(model: nn.Module, *args: torch.Tensor) -> int:
    with torch.no_grad():
        return profile_model(model, args, calls=2).report.flops


@pytest.mark.parametrize("bias", [True, False])
def test_linear(bias):
    assert flops_of(nn.Linear(20, 30, bias=bias), torch.randn(7, 20)) == 2 * 7 * 20 * 30


def test_linear_of_three_dimensions():
    assert flops_of(nn.Linear(20, 30), torch.randn(4, 7, 20)) == 2 * 28 * 20 * 30


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2, "padding": 1},
        {"dilation": 2, "padding": (0, 3)},
        {"groups": 4},
        {"groups": 8, "padding": 1},
        {"padding": "same"},
        {"padding_mode": "circular", "padding": 1},
    ],
)
def test_conv2d(options):
    conv = nn.Conv2d(8, 16, 3, **options)
    x = torch.randn(2, 8, 11, 13)
    out = conv(x)
    assert flops_of(conv, x) == 2 * out.numel() * (8 // conv.groups) * 9


def test_conv1d_and_conv3d():
    x, y = torch.randn(2, 4, 20), torch.randn(1, 4, 6, 6, 6)
    one, three = nn.Conv1d(4, 6, 5), nn.Conv3d(4, 6, 3)
    assert flops_of(one, x) == 2 * one(x).numel() * 4 * 5
    assert flops_of(three, y) == 2 * three(y).numel() * 4 * 27


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1, "output_padding": 1}, {"groups": 4}])
def test_transposed_convolution(options):
    conv = nn.ConvTranspose2d(8, 16, 3, **options)
    assert flops_of(conv, torch.randn(2, 8, 11, 13)) == 2 * 2 * 8 * 11 * 13 * (16 // conv.groups) * 9


class Attention(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.options = options

    def forward(self, q, k, v):
        return scaled_dot_product_attention(q, k, v, **self.options)


@pytest.mark.parametrize(
    ("heads", "query", "key", "options"),
    [
        (4, 16, 16, {}),
        (4, 16, 16, {"is_causal": True}),
        (4, 16, 40, {}),
        (2, 16, 40, {"enable_gqa": True}),
        (4, 16, 16, {"dropout_p": 0.5}),
    ],
    ids=["plain", "causal", "cross", "grouped", "math"],
)
def test_attention(heads, query, key, options):
    q, k = torch.randn(2, 4, query, 8), torch.randn(2, heads, key, 8)
    scores = 2 * 4 * query * key
    assert flops_of(Attention(**options), q, k, k.clone()) == scores * (2 * (8 + 8) + 5)


def test_attention_backward_recomputes_the_scores():
    shape = (2, 4, 16, 8)
    name = "aten::_scaled_dot_product_flash_attention_for_cpu_backward"
    counted = count_flops(Operator(name, (shape,) * 4, ("float",) * 4))
    assert counted == 2 * 4 * 16 * 16 * (2 * 5 * 8 + 5)


def test_multihead_attention_fast_path():
    width, length, batch, heads = 32, 10, 2, 4
    layer = nn.MultiheadAttention(width, heads, batch_first=True).eval()
    x = torch.randn(batch, length, width)

    class Self(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            return self.layer(x, x, x, need_weights=False)[0]

    rows = batch * length
    products = 2 * rows * width * 3 * width + 2 * rows * width * width + 2 * 2 * batch * length * length * width
    assert flops_of(Self().eval(), x) == pytest.approx(products, rel=0.08)  # the rest is element-wise
    assert flops_of(Self().eval(), x) > products


@pytest.mark.parametrize(("kind", "gates", "cell"), [(nn.LSTM, 4, 9), (nn.GRU, 3, 10), (nn.RNN, 1, 2)])
@pytest.mark.parametrize("both", [False, True])
def test_recurrent(kind, gates, cell, both):
    layer = kind(6, 5, num_layers=2, bidirectional=both)
    directions = 2 if both else 1
    weights = sum(weight.numel() for weight in layer.parameters() if weight.ndim == 2)
    expected = 7 * 3 * (2 * weights + cell * 5 * 2 * directions)
    assert flops_of(layer, torch.randn(7, 3, 6)) == expected


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_lstm_with_projection():
    layer = nn.LSTM(6, 8, proj_size=3)
    weights = sum(weight.numel() for weight in layer.parameters() if weight.ndim == 2)
    assert flops_of(layer, torch.randn(7, 2, 6)) == 7 * 2 * (2 * weights + 9 * 8)


def test_embedding_costs_nothing():
    assert flops_of(nn.Embedding(10, 4), torch.randint(0, 10, (3, 5))) == 0


@pytest.mark.parametrize(
    ("model", "each"),
    [
        (nn.ReLU(), 1),
        (nn.GELU(), 1),
        (nn.Softmax(-1), 5),
        (nn.LayerNorm(12), 8),
        (nn.BatchNorm2d(4).eval(), 2),
        (nn.BatchNorm2d(4).train(), 8),
        (nn.MaxPool2d(2), 1),
        (nn.Flatten(), 0),
        (nn.Dropout().eval(), 0),
        (nn.Identity(), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_per_element(model, each):
    x = torch.randn(2, 4, 6, 12)
    expected = each * x.numel() + (1 if isinstance(model, nn.BatchNorm2d) and model.training else 0)
    assert flops_of(model, x) == expected  # training batch norm counts its batches: one addition


def test_broadcasting_counts_the_result():
    op = Operator("aten::add", ((3, 1), (4,), ()), ("float", "float", "Scalar"))
    assert count_flops(op) == 12


def test_einsum_and_matmul_count_their_products_once():
    class Products(nn.Module):
        def forward(self, a, b):
            return torch.einsum("bij,bjk->bik", a, b), a @ b

    a, b = torch.randn(3, 4, 5), torch.randn(3, 5, 6)
    assert flops_of(Products(), a, b) == 2 * (2 * 3 * 4 * 5 * 6)


def test_agrees_with_the_counter_of_torch_forward_and_backward():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, groups=1, bias=False), nn.Flatten(), nn.Linear(8 * 36, 10, bias=False))
    x = torch.randn(4, 3, 8, 8)
    with FlopCounterMode(display=False) as counter:
        net(x).sum().backward()
    net.zero_grad()
    with ProfileSession() as session:
        net(x).sum().backward()
    products = {"aten::convolution", "aten::mm", "aten::addmm", "aten::convolution_backward"}
    ours = sum(row.flops or 0 for row in session.report.operators if row.name in products)
    assert ours == counter.get_total_flops()


def test_unknown_operators_are_not_counted():
    assert count_flops(Operator("mine::secret", ((2, 2),), ("float",))) is None
    assert count_flops(Operator("aten::_cdist_forward", ((2, 2), (2, 2)), ("float", "float"))) is None


def test_dropout_in_training_is_counted():
    assert flops_of(nn.Dropout(), torch.ones(10)) > 0


def test_views_are_free_by_the_schema_of_torch():
    assert count_flops(Operator("aten::permute", ((2, 2),), ("float",))) == 0


def test_elements_of_nothing():
    assert Operator("aten::add", ((0, 3), (1, 3)), ("float", "float")).elements == 0
    assert math.prod(()) == Operator("aten::add", ((),), ("float",)).elements
