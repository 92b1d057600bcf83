"""What a cache brings, computed from rows made by hand."""

from __future__ import annotations

import pytest
import torch
from decoding_by_hand import row

from tauto.tuning.cache_size import cache_bytes
from tauto.tuning.decoding_curve import advice_on, agreement_of, gains_of, length_rows, reached_at

DYNAMIC = row("dynamic", "dynamic cache", "original", 24.0, 25.0, 25.0, 24.0)


def test_rows_of_a_curve_are_medians_of_runs_with_their_range() -> None:
    first, last = length_rows({25: [1.0, 1.2, 1.1]}, {100: [8.0, 10.0]}, 2)
    assert (first.tokens, first.seconds, first.low_s, first.high_s, first.runs) == (25, 1.1, 1.0, 1.2, 3)
    assert first.tokens_per_s == pytest.approx(50 / 1.1)
    assert last.estimated
    assert not first.estimated
    assert last.seconds == 10.0  # of two, never the better one


def test_gains_are_over_no_cache_by_the_fastest_way_whose_tokens_are_right() -> None:
    rows = [
        DYNAMIC,
        row("static-compiled", "compiled", "measured", 30.0, 40.0, 50.0),
        row("static", "static", "rejected", 99.0, 99.0, 99.0),
        row("none", "no cache", "measured", 10.0, 8.0, 5.0),
    ]
    gains = gains_of(rows, (25, 50, 100, 200))
    assert [gain.tokens for gain in gains] == [25, 50, 100]
    assert [gain.best for gain in gains] == [3.0, 5.0, 10.0]
    assert gains[0].plain == pytest.approx(2.4)
    assert {gain.best_key for gain in gains} == {"static-compiled"}
    assert gains[2].spread.low == pytest.approx(10.0 * 0.98 / 1.03)
    assert reached_at(gains, 10.0) is None, "in its slowest run it was below"
    assert reached_at(gains, 9.5) == 100
    assert reached_at(gains, 4.0) == 50
    assert reached_at(gains, 11.0) is None
    assert gains_of([DYNAMIC], (25, 50)) == ()


def test_a_cache_that_does_not_help_is_told_with_the_reason() -> None:
    flat = [DYNAMIC, row("none", "no cache", "measured", 25.0, 26.0, 26.0, 25.0)]
    (words,) = advice_on(flat, gains_of(flat, (25, 50, 100, 200)))
    assert words.startswith("A cache alone was not seen to help at any length: 0.96× at 200.")
    assert "it goes by what each step costs anyway" in words
    grows = [DYNAMIC, row("none", "no cache", "measured", 25.0, 25.0, 12.0, 6.0)]
    (words,) = advice_on(grows, gains_of(grows, (25, 50, 100, 200)))
    assert words.startswith("A cache alone was not seen to help at 25 and 50 tokens")
    assert "it grows with the text" in words
    helps = [DYNAMIC, row("none", "no cache", "measured", 10.0, 8.0)]
    assert not advice_on(helps, gains_of(helps, (25, 50)))


def test_compiling_is_said_to_pay_after_so_many_texts() -> None:
    compiled = row("static-compiled", "compiled", "kept", 30.0, 30.0, 30.0, 32.0, preparation_s=40.0)
    (words,) = advice_on([DYNAMIC, compiled], ())
    # 200 tokens: 8.33 s against 6.25 s
    assert words.endswith("after 20 texts of 200 tokens.")


def test_agreement_is_of_the_tokens_that_both_made() -> None:
    found = agreement_of([[1, 2, 3, 4], [1, 2, 3, 4]], [[1, 2], [1, 9]], [[7, 7]], [[7, 8]])
    assert (found.equal, found.compared, found.first_difference) == (0.75, 4, 1)
    assert (found.same_text, found.same_text_tokens, found.distinct) == (0.5, 2, 3)


def test_the_bytes_of_a_cache_are_those_of_its_tensors_each_once() -> None:
    one = torch.zeros(1, 2, 10, 4)

    class Layer:
        def __init__(self) -> None:
            self.keys, self.again, self.number = one, one, 3

    assert cache_bytes({"layers": [Layer(), Layer()], "place": torch.tensor(0)}) == 320 + 8
    assert cache_bytes(None) == 0
