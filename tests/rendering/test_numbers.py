"""Numbers as people read them: right to their digits, with units, and never claiming more than was found."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tauto.rendering import numbers
from tauto.reports import Interval

finite = st.floats(min_value=-1e300, max_value=1e300)
times = st.floats(min_value=1e-6, max_value=9e4, allow_nan=False)
UNITS_MS = {"ns": 1e-6, "µs": 1e-3, "ms": 1.0, "s": 1e3}


def read(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0, "0 ms"),
        (0.0000004, "0.400 ns"),
        (0.4123, "412 µs"),
        (0.99951, "1.00 ms"),
        (3.417, "3.42 ms"),
        (999.6, "1.00 s"),
        (2412, "2.41 s"),
        (125_000, "2 min 5 s"),
        (3_600_000, "1 h"),
        (5_400_000, "1 h 30 min"),
        (None, "–"),
        (math.nan, "not a number"),
        (math.inf, "∞"),
    ],
)
def test_duration_picks_the_unit(milliseconds: float | None, words: str) -> None:
    assert numbers.duration(milliseconds) == words


@given(times)
def test_duration_is_right_to_three_digits(milliseconds: float) -> None:
    value, unit = numbers.duration(milliseconds).split(" ")
    assert read(value) * UNITS_MS[unit] == pytest.approx(milliseconds, rel=0.006)


@given(finite)
def test_a_number_is_right_to_three_digits(value: float) -> None:
    assert read(numbers.number(value)) == pytest.approx(value, rel=0.006, abs=1e-300)


@given(st.floats(min_value=1, max_value=1e18))
def test_a_size_is_right_and_stays_under_a_thousand_of_its_unit(size: float) -> None:
    value, unit = numbers.data_size(size).split(" ")
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15, "EB": 1e18}[unit]
    assert read(value) < 1000
    assert read(value) * factor == pytest.approx(size, rel=0.006)


@given(st.floats(min_value=0, max_value=1))
def test_a_share_never_rounds_up_to_the_whole_or_down_to_nothing(value: float) -> None:
    words = numbers.share(value)
    assert (words == "100 %") == (value == 1)
    assert (words == "0 %") == (value * 100 == 0)
    if words[0] not in "<>":
        assert read(words.removesuffix(" %")) / 100 == pytest.approx(value, abs=0.0051)


@given(st.floats(min_value=0.01, max_value=1e4), st.floats(0.5, 1), st.floats(1, 2))
def test_a_ratio_and_its_interval_stand_at_the_same_decimal_place(value: float, low: float, high: float) -> None:
    words = numbers.ratio(value, Interval(value * low, value * high))
    middle, lower, upper = re.fullmatch(r"([\d.,]+)× \(([\d.,]+)–([\d.,]+)\)", words).groups()  # type: ignore[union-attr]
    places = {len(part.partition(".")[2]) for part in (middle, lower, upper)}
    assert len(places) == 1
    assert read(lower) <= read(middle) <= read(upper)


def test_ratio_as_in_the_design() -> None:
    assert numbers.ratio(2.3114, Interval(2.2512, 2.3689)) == "2.31× (2.25–2.37)"
    assert numbers.ratio(11.84) == "11.8×"
    assert numbers.ratio(16.5, Interval(0.0, 4_990_728.0)) == "between under 0.01× and over 100×"
    assert numbers.ratio(4817.0, Interval(162.0, 143_167.0)) == "over 100×"
    assert numbers.ratio(1.0, Interval(0.2, 4.1)) == "between 0.20× and 4.10×"
    assert numbers.ratio(None) == "–"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("accuracy", 0.98125, "98.1 %"),
        ("val_f1", 0.5, "50.0 %"),
        ("loss", 0.98125, "0.9812"),
        ("accuracy", 98.125, "98.12"),
        ("perplexity", 23.41874, "23.42"),
        ("reward", -3.0, "−3.000"),
        ("loss", None, "–"),
        ("loss", math.nan, "not a number"),
    ],
)
def test_a_metric_is_a_percentage_only_when_its_name_says_so(name: str, value: float | None, words: str) -> None:
    assert numbers.metric(name, value) == words


@given(
    st.sampled_from(["number", "duration", "seconds", "data_size", "flops", "rate", "share", "ratio"]),
    st.one_of(st.none(), st.floats()),
)
def test_nothing_is_unwritable(function: str, value: float | None) -> None:
    words = getattr(numbers, function)(value)
    assert words
    assert "nan" not in words
    assert "inf" not in words


def test_one_call_is_not_one_calls() -> None:
    assert numbers.plural(1, "call") == "1 call"
    assert numbers.plural(2400, "call") == "2,400 calls"
