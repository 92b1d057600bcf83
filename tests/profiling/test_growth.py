"""Orders of growth on values whose order is known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tauto.profiling.growth import best_size, counted_growth, knee, measured_growth, still_rising

SIZES = [2**power for power in range(9)]
SHAPES = {
    "1": lambda n: 5.0,
    "n": lambda n: 3.0 + 2 * n,
    "n log n": lambda n: 1.0 + n * math.log2(n + 1),
    "n²": lambda n: 2.0 + n**2,
    "n³": lambda n: 1.0 + n**3,
}


@pytest.mark.parametrize("order", SHAPES)
def test_measured_values_without_noise_have_their_order(order: str) -> None:
    found = measured_growth("time", SIZES, [SHAPES[order](n) for n in SIZES])
    assert found.order == order
    assert found.r_squared == pytest.approx(1.0)


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(1, 10**6))
def test_counts_are_taken_apart_exactly(constant: int, linear: int, square: int) -> None:
    sizes = [16, 32, 64, 128, 256, 512, 1024]
    found = counted_growth("flops", sizes, [constant + linear * n + square * n * n for n in sizes])
    whole = constant + linear * 1024 + square * 1024**2
    assert found.order == ("n²" if square * 1024**2 >= 0.01 * whole else "n" if found.order == "n" else found.order)
    assert sum(found.shares.values()) == pytest.approx(1.0, abs=1e-3)
    assert found.shares.get("n²", 0.0) == pytest.approx(square * 1024**2 / whole, abs=0.02)


@pytest.mark.parametrize(("sizes", "said"), [([1, 2, 4], "too few"), ([10, 11, 12, 13], "too near")])
def test_too_little_to_tell_is_said(sizes: list[int], said: str) -> None:
    found = measured_growth("time", sizes, [float(n) for n in sizes])
    assert found.order is None
    assert said in found.reason


def test_scattered_values_have_no_order() -> None:
    found = measured_growth("time", [1, 2, 4, 8, 16, 32], [9.0, 0.1, 7.0, 0.2, 30.0, 0.1])
    assert found.order is None
    assert "scattered" in found.reason


def test_the_knee_and_the_best_size() -> None:
    rates = [10.0, 19.0, 36.0, 38.0, 39.0]
    assert knee([1, 2, 4, 8, 16], rates) == 4
    assert best_size([1, 2, 4, 8, 16], rates) == 16
    assert not still_rising(rates)
    assert still_rising([10.0, 20.0])
