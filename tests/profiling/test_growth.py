"""Orders of growth on values whose order is known."""

from __future__ import annotations

import math
from random import Random

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


def test_what_only_the_largest_sizes_show_has_no_order() -> None:
    """A peak that is constant until one other moment takes over: c + a n³ fits best, and nothing says so."""
    found = measured_growth("memory", [16, 32, 64, 128, 256], [1.0, 1.0, 1.01, 1.3, 5.2])
    assert found.order is None
    assert found.reason == "growth shows at only 2 of the sizes: try larger ones"


def test_neighbours_that_one_size_decides_between_are_rivals() -> None:
    found = measured_growth("memory", [16, 32, 64, 128, 256], [1.0, 1.0, 1.2, 2.2, 6.5])
    assert (found.order, found.rivals) == ("n²", ("n³",))


def test_orders_far_apart_that_one_size_decides_between_are_none() -> None:
    """Linear but for the last, which is three times what it should be."""
    found = measured_growth("time", [1, 2, 4, 8, 16], [5.0, 6.0, 8.0, 12.0, 60.0])
    assert found.order is None
    assert "fit alike: more sizes or a wider range tell" in found.reason


@given(st.sampled_from(["n", "n²", "n³"]), st.floats(0.0, 3.0), st.integers(5, 9), st.randoms(use_true_random=False))
def test_a_right_order_is_not_lost_to_small_errors(order: str, constant: float, count: int, random: Random) -> None:
    sizes = [2**power for power in range(count)]
    values = [(constant + SHAPES[order](n)) * random.uniform(0.995, 1.005) for n in sizes]
    found = measured_growth("time", sizes, values)
    assert order in {found.order, *found.rivals}


def test_counts_that_are_no_sum_of_powers_are_taken_as_measured() -> None:
    sizes = [16, 32, 64, 128, 256, 512, 1024]
    peak = [float(max(10_000 + 5 * n, 40 * n)) for n in sizes]
    assert counted_growth("memory", sizes, peak) == measured_growth("memory", sizes, peak)
    exact = counted_growth("memory", sizes, [float(64 * n + 2 * n * n) for n in sizes])
    assert exact.order == "n²"
    assert not exact.rivals


def test_the_knee_and_the_best_size() -> None:
    rates = [10.0, 19.0, 36.0, 38.0, 39.0]
    assert knee([1, 2, 4, 8, 16], rates) == 4
    assert best_size([1, 2, 4, 8, 16], rates) == 16
    assert not still_rising(rates)
    assert still_rising([10.0, 20.0])
