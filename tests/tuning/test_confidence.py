"""How sure a drop is: published figures, and what is said when nothing can be."""

from __future__ import annotations

import pytest

from tauto.reports import Quality
from tauto.tuning.bench import Baseline
from tauto.tuning.confidence import confidence_of, difference_interval, hits_of, wilson


def quality(before, after, higher=True):
    drop = before - after if higher else after - before
    return Quality("accuracy", before, after, drop, 0.01, higher, drop <= 0.01)


def confidence(row, **baseline):
    return confidence_of((row,), Baseline({"accuracy": row.original}, 0.1, 1.0, **baseline))[0]


def test_wilsons_interval_is_the_published_one():
    # Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)


def test_the_interval_of_a_difference_holds_it_and_narrows_with_samples():
    # Newcombe, Interval estimation for the difference (1998), table II, method 10
    assert difference_interval((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    low, high = difference_interval((98, 100), (97, 100))
    narrow_low, narrow_high = difference_interval((9_800, 10_000), (9_700, 10_000))
    assert low < narrow_low < 0.01 < narrow_high < high


@pytest.mark.parametrize(
    ("value", "samples", "hits"), [(0.97, 100, 97), (1.0, 3, 3), (0.123456, 100, None), (359 / 360, 360, 359)]
)
def test_a_share_of_samples_is_known_by_its_whole_number(value, samples, hits):
    assert hits_of(value, samples) == hits


def test_an_accuracy_has_an_interval():
    found = confidence(quality(0.98, 0.97), samples=100, again={"accuracy": 0.98})
    assert found.low < 0.01 < found.high
    assert found.noise == 0
    assert found.samples == 100


def test_an_accuracy_in_percent_has_one_in_percent():
    found = confidence(quality(98.0, 97.0), samples=100)
    assert (found.low, found.high) == pytest.approx(
        [100 * value for value in difference_interval((98, 100), (97, 100))]
    )
    assert found.noise is None


def test_an_error_rate_is_the_mirror_image():
    rising, falling = confidence(quality(0.02, 0.03, False), samples=100), confidence(quality(0.98, 0.97), samples=100)
    assert (rising.low, rising.high) == pytest.approx((falling.low, falling.high))


def test_what_is_no_share_of_the_samples_has_none():
    found = confidence(quality(0.98123, 0.97), samples=100)
    assert found.low is None
    assert "no share of the 100 samples" in found.reason


def test_how_many_samples_may_be_unknown():
    assert "not known over how many samples" in confidence(quality(0.98, 0.97)).reason


def test_the_noise_of_evaluate_makes_the_interval():
    found = confidence(quality(0.98, 0.97), samples=100, again={"accuracy": 0.96})
    assert found.noise == pytest.approx(0.02)
    assert (found.low, found.high) == pytest.approx((0.01 - 0.0392, 0.01 + 0.0392), abs=1e-4)
