import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tauto.config import Drop, parse_drop, parse_duration, time_in_words
from tauto.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("2min", 120),
        ("1h30min", 5400),
        ("1.5 h", 5400),
        ("250ms", 0.25),
        ("45", 45),
        (7, 7),
        (" 2 MIN ", 120),
    ],
)
def test_durations_that_people_write(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["", "soon", "-3s", "0s", 0, -1, math.nan, math.inf, True, None, "5 parsecs", "1e3s"])
def test_what_is_not_a_duration_is_named(value):
    with pytest.raises(InvalidArgument, match=r"^budget: .* is not a time\. Write"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("text", "drop"),
    [
        ("1%", Drop(0.01, True)),
        ("0.01", Drop(0.01, False)),
        (0.5, Drop(0.5, False)),
        ("0%", Drop(0.0, True)),
        (".5 %", Drop(0.005, True)),
    ],
)
def test_drops_that_people_write(text, drop):
    assert parse_drop(text) == drop


@pytest.mark.parametrize("value", ["", "%", "a lot", "-1%", -0.1, "101%", math.nan, True, None, [1]])
def test_what_is_not_a_drop_is_named(value):
    with pytest.raises(InvalidArgument, match=r"^max_drop: .* is not a drop\. Write"):
        parse_drop(value)


@given(st.text())
def test_any_text_parses_or_is_refused_in_words(text):
    for parse in (parse_duration, parse_drop):
        try:
            parse(text)
        except InvalidArgument as error:
            assert "Write" in str(error)


@given(st.floats(0, 1), st.booleans())
def test_a_drop_survives_its_own_spelling(value, relative):
    drop = Drop(value, relative)
    again = parse_drop(str(drop))
    assert again.relative == relative
    assert again.value == pytest.approx(value, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0123, "0.0123 s"),
        (119.4, "119 s"),
        (119.6, "2 min"),
        (804, "13 min 24 s"),
        (3600, "1 h"),
        (7290, "2 h 1 min"),
    ],
)
def test_times_in_words(seconds, words):
    assert time_in_words(seconds) == words


def test_relative_and_absolute_allowances():
    assert parse_drop("1%").allowed(0.9) == pytest.approx(0.009)
    assert parse_drop("1%").allowed(-20.0) == pytest.approx(0.2)
    assert parse_drop(0.01).allowed(0.9) == 0.01
