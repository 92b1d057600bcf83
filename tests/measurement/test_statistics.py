import math

import numpy as np
import pytest

from tauto.measurement.statistics import (
    bootstrap_ratio_interval,
    calm_ratio_interval,
    ordered_ratio_interval,
    student_quantile,
    trimmed_mean,
)


def test_trimmed_mean_leaves_out_the_extremes_of_each_row():
    values = np.array([[1.0, 2, 3, 4, 5, 6, 7, 1e9], [0, 0, 2, 2, 2, 2, 9, 9]])
    assert trimmed_mean(values).tolist() == [4.5, 2.0]


def test_trimmed_mean_of_few_values_is_their_mean():
    assert trimmed_mean(np.array([1.0, 2.0, 6.0])) == 3.0


@pytest.mark.parametrize(
    ("probability", "freedom", "table"),
    [(0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 3, 3.182), (0.975, 7, 2.365), (0.995, 9, 3.250), (0.975, 60, 2.0)],
)
def test_student_quantile_agrees_with_the_printed_table(probability, freedom, table):
    assert student_quantile(probability, freedom) == pytest.approx(table, rel=0.015)


def test_a_constant_ratio_has_an_interval_of_no_width():
    times = np.linspace(1.0, 2.0, 20)
    estimate = bootstrap_ratio_interval(3 * times, times, np.random.default_rng(0))
    assert estimate.ratio == pytest.approx(3.0)
    assert estimate.half_width == pytest.approx(0.0, abs=1e-9)


def test_exchanging_the_sides_inverts_the_ratio_and_its_interval():
    random = np.random.default_rng(1)
    a, b = np.exp(random.normal(0.3, 0.05, 30)), np.exp(random.normal(0.0, 0.05, 30))
    one = bootstrap_ratio_interval(a, b, np.random.default_rng(2))
    other = bootstrap_ratio_interval(b, a, np.random.default_rng(2))
    assert other.ratio == pytest.approx(1 / one.ratio)
    assert other.interval.low == pytest.approx(1 / one.interval.high, rel=1e-6)


def test_interval_covers_the_truth_as_often_as_it_says_even_for_few_pairs():
    random = np.random.default_rng(3)
    for pairs in (5, 12, 40):
        covered = 0
        for _ in range(400):
            estimate = bootstrap_ratio_interval(
                np.exp(random.normal(0.2, 0.1, pairs)), np.exp(random.normal(0, 0.1, pairs)), random
            )
            covered += estimate.interval.low <= math.exp(0.2) <= estimate.interval.high
        # three standard errors of 400 draws below 95 %
        assert covered / 400 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 400), pairs


def test_higher_confidence_is_wider():
    random = np.random.default_rng(4)
    a, b = np.exp(random.normal(0, 0.1, 12)), np.ones(12)
    narrow = bootstrap_ratio_interval(a, b, np.random.default_rng(5), 0.95)
    wide = bootstrap_ratio_interval(a, b, np.random.default_rng(5), 0.99)
    assert wide.interval.low < narrow.interval.low < narrow.interval.high < wide.interval.high


def test_one_pair_is_refused():
    with pytest.raises(ValueError, match="at least two"):
        bootstrap_ratio_interval(np.ones(1), np.ones(1), np.random.default_rng(0))


def test_the_global_random_state_is_not_used():
    before = np.random.get_state()[1].copy()
    bootstrap_ratio_interval(np.ones(9), np.full(9, 2.0), np.random.default_rng(0))
    assert (np.random.get_state()[1] == before).all()


def test_the_order_alone_bounds_the_median_ratio_however_wild_the_ratios():
    random = np.random.default_rng(5)
    for pairs in (8, 12, 30):
        held = 0
        for _ in range(1000):
            # half of the blocks are a hundred times slower, on either side
            wild = 100.0 ** random.integers(0, 2, (2, pairs)) * random.lognormal(0, 0.3, (2, pairs))
            interval = ordered_ratio_interval(1.5 * wild[0], wild[1], 0.99)
            held += interval.low <= 1.5 <= interval.high
        assert held >= 985


def test_fewer_than_eight_pairs_have_no_order_to_go_by():
    assert ordered_ratio_interval(np.ones(7), np.ones(7), 0.99) is None
    assert ordered_ratio_interval(np.ones(8), np.ones(8), 0.99) is not None


def estimates_of_two(stalled_a, stalled_b):
    """Return 200 estimates of a ratio of 2, of sides of whose blocks these shares stood still."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(200):
        sides = []
        for scale, stalled in ((2.0, stalled_a), (1.0, stalled_b)):
            still = random.random(24) < stalled
            sides.append([scale * random.lognormal(0, 0.05, 20) + 80 * one for one in still])
        found.append(calm_ratio_interval(*sides, random, 0.99))
    return found


def count_holding(estimates, truth):
    return sum(one.interval.low <= truth <= one.interval.high for one in estimates)


def test_calm_ratio_sees_through_blocks_that_stood_still():
    found = estimates_of_two(0.6, 0.1)
    assert 1.9 < np.median([one.ratio for one in found]) < 2.1
    assert count_holding(found, 2) >= 190


def test_calm_interval_is_narrow_where_most_blocks_ran_on():
    found = estimates_of_two(0.3, 0.1)
    assert np.median([one.half_width for one in found]) < 0.05
    assert count_holding(found, 2) >= 190
    assert count_holding(found, 2.2) <= 10
