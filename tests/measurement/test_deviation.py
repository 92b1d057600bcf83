"""Figures of an error, against their formulas."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tauto.measurement.deviation import CHUNK, Deviation, unlike

values = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40)


def deviation(reference, outputs):
    made = Deviation()
    made.add([reference], [outputs])
    return made.error()


def test_the_formulas():
    reference, output = torch.tensor([3.0, 0.0, 4.0]), torch.tensor([3.0, 1.0, 4.0])
    error = deviation(reference, output)
    assert error.snr_db == pytest.approx(10 * math.log10(25 / 1))
    assert error.relative_error == pytest.approx(1 / 5)
    assert error.cosine == pytest.approx(25 / (5 * math.sqrt(26)))
    assert (error.max_abs_error, error.changed, error.not_finite) == (1.0, None, 0)


@given(values)
@settings(deadline=None)
def test_equal_values_have_no_error(numbers):
    tensor = torch.tensor(numbers)
    error = deviation(tensor, tensor.clone())
    assert (error.snr_db, error.relative_error, error.cosine, error.max_abs_error) == (math.inf, 0.0, 1.0, 0.0)


@given(values, st.integers(1, 39))
@settings(deadline=None)
def test_what_is_added_in_pieces_is_what_is_added_at_once(numbers, at):
    tensor = torch.tensor(numbers)
    other = tensor.roll(1) * 1.5 + 1
    pieces = Deviation()
    for piece in (slice(None, at), slice(at, None)):
        pieces.add([tensor[piece]], [other[piece]])
    assert pieces.error().relative_error == pytest.approx(deviation(tensor, other).relative_error)
    assert pieces.error().max_abs_error == deviation(tensor, other).max_abs_error


def test_more_than_a_chunk_is_summed_up_whole():
    reference = torch.ones(CHUNK + 3)
    output = reference.clone()
    output[-1] = 2
    assert deviation(reference, output).relative_error == pytest.approx(math.sqrt(1 / (CHUNK + 3)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.complex64])
def test_other_types_are_widened(dtype):
    reference = torch.tensor([1.0, 2.0])
    assert deviation(reference.to(dtype), reference.to(dtype)).snr_db == math.inf
    assert deviation(reference.to(dtype), (reference * 2).to(dtype)).relative_error == pytest.approx(1)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_quantized_tensors_count_by_their_values():
    reference = torch.tensor([0.04, 1.0])
    output = torch.quantize_per_tensor(reference, 0.1, 0, torch.qint8)
    assert deviation(reference, output).max_abs_error == pytest.approx(0.04)


def test_integers_count_by_the_share_that_differs():
    error = deviation(torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2, 3, 5]))
    assert (error.changed, error.snr_db, error.relative_error) == (0.25, None, None)
    assert deviation(torch.tensor([True, False]), torch.tensor([True, True])).changed == 0.5


def test_nothing_against_something_is_infinitely_wrong():
    error = deviation(torch.zeros(3), torch.ones(3))
    assert (error.snr_db, error.relative_error, error.cosine) == (-math.inf, math.inf, 0.0)
    assert deviation(torch.zeros(3), torch.zeros(3)).snr_db == math.inf


def test_what_is_not_finite_in_one_alone_is_counted_and_infinitely_wrong():
    reference = torch.tensor([1.0, math.inf, math.nan, 2.0, 3.0])
    assert deviation(reference, reference.clone()).snr_db == math.inf
    error = deviation(reference, torch.tensor([1.0, -math.inf, math.nan, math.nan, 3.0]))
    assert (error.not_finite, error.snr_db, error.relative_error) == (2, -math.inf, math.inf)


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        ([torch.ones(2, 3)], ""),
        ([torch.ones(2, 3, dtype=torch.bfloat16)], ""),
        ([torch.ones(2, 4)], "its output is [2, 4] where the original's is [2, 3]"),
        ([torch.ones(2, 3, dtype=torch.int64)], "its output is int64 where the original's is float32"),
        ([torch.ones(2, 3)] * 2, "it returns 2 tensors where the original returns one tensor"),
        ([], "it returns no tensor where the original returns one tensor"),
    ],
)
def test_what_cannot_be_compared_is_said(outputs, why):
    assert unlike([torch.ones(2, 3)], outputs) == why
