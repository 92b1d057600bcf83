"""The count of whole architectures, against forms written out by hand (benchmarks/closed_forms.py)."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.flops import Case, cases, counted, counted_by_torch
from tauto.profiling import Operator, ProfileSession, count_flops, profile_model
from tauto.profiling.counting import count_call
from tauto.profiling.flops import hands_on, is_fused


@pytest.mark.parametrize("case", list(cases(small=True)), ids=lambda case: case.name)
def test_small_architectures_to_a_tenth_of_a_percent(case: Case):
    pytest.importorskip("transformers")
    assert counted(case) == pytest.approx(case.expected, rel=0.001)


def test_the_counter_of_torch_misses_recurrent_layers():
    case = next(case for case in cases(small=True) if case.name == "LSTM")
    assert counted_by_torch(case) < 0.01 * case.expected


class Of(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def flops_of(function, *args):
    model = function if isinstance(function, nn.Module) else Of(function)
    with torch.no_grad():
        return profile_model(model, args, calls=2).report.flops


@pytest.mark.parametrize("backend", [SDPBackend.MATH, SDPBackend.FLASH_ATTENTION])
@pytest.mark.parametrize("causal", [False, True])
def test_every_backend_of_attention_counts_the_same(backend, causal):
    def attend(q, k, v):
        with sdpa_kernel(backend):
            return functional.scaled_dot_product_attention(q, k, v, is_causal=causal)

    q, k, v = torch.randn(2, 4, 16, 8), torch.randn(2, 4, 24, 8), torch.randn(2, 4, 24, 8)
    assert flops_of(attend, q, k, v) == 2 * 4 * 16 * 24 * (2 * (8 + 8) + 5)


@pytest.mark.parametrize(
    ("equation", "shapes", "expected"),
    [
        ("bhid,bhjd->bhij", ((2, 4, 16, 8), (2, 4, 24, 8)), 2 * 2 * 4 * 16 * 24 * 8),
        ("ij,jk,kl->il", ((5, 6), (6, 5), (5, 6)), 2 * (5 * 6 * 5 + 5 * 5 * 6)),
        ("i,j->ij", ((5,), (6,)), 30),
        ("ii->i", ((5, 5),), 0),
    ],
)
def test_einsum(equation, shapes, expected):
    given = [torch.randn(shape) for shape in shapes]
    assert flops_of(lambda *args: torch.einsum(equation, *args), *given) == expected


@pytest.mark.parametrize(
    ("function", "shape", "expected"),
    [
        (torch.fft.fft, (30, 8), 5 * 30 * 8 * 3 / 2),
        (nn.Upsample(scale_factor=2, mode="bilinear"), (2, 4, 6, 6), 2 * 4 * 12 * 12 * 4 * 2),
        (nn.PReLU(), (3, 7), 21),
        (nn.GLU(), (3, 8), 24),
        (lambda x: x.new_zeros(3, 8).index_add(0, torch.tensor([0, 1, 0]), x), (3, 8), 24),
    ],
    ids=["fft", "bilinear", "prelu", "glu", "index_add"],
)
def test_what_is_no_product(function, shape, expected):
    assert flops_of(function, torch.randn(shape)) == expected


def test_packed_weights_of_onednn():
    dtypes = ("unsigned char", "float", "int", "signed char")
    assert count_flops(Operator("onednn::qlinear_pointwise", ((4, 8), (), (), (8, 16)), dtypes)) == 2 * 4 * 8 * 16


def test_a_decomposition_is_named_not_silently_zero():
    a = torch.randn(300, 300)
    [line] = profile_model(Of(lambda x: torch.linalg.svdvals(x)), (a,), calls=2).report.uncounted
    assert line.startswith("aten::_linalg_svd (")
    [line] = count_call(lambda: torch.linalg.svdvals(a)).uncounted
    assert line.startswith("aten::_linalg_svd (")


def test_twice_is_not_double():
    net, x = nn.Linear(8, 8), torch.randn(4, 8)
    assert flops_of(net, x) == flops_of(net, x) == 2 * 4 * 8 * 8
    with torch.no_grad(), ProfileSession() as session:
        for _ in range(9):
            net(x)
    assert session.report.flops == 2 * 4 * 8 * 8


def test_kernels_that_the_compiler_fused_are_named():
    assert not hands_on("Torch-Compiled Region: 0/1")
    assert is_fused("Torch-Compiled Region: 0/1")
    assert hands_on("TorchDynamo Cache Lookup")
    assert hands_on("aten::linear")
    assert not hands_on("aten::_linalg_svd")
