"""What is said of a candidate's speed and quality, on comparisons made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reports_by_hand import comparison

from tauto.rendering.comparison import headline
from tauto.reports.comparison import Interval, Verdict
from tauto.tuning.objective import Goal, speed_words


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Interval(0.97, 1.24), "not shown to be faster: between 0.97× and 1.24×"),
        (
            Interval(0.0, 5e6),
            "not shown to be faster: between under 0.01× and over 100×, since this machine stood still in between",
        ),
        (Interval(0.99, 1.01), "no faster: 1.00× (0.99–1.01)"),
    ],
)
def test_a_speed_that_was_not_shown_is_no_figure(interval: Interval, words: str) -> None:
    unsure = replace(comparison(), speedup=1.0, speedup_interval=interval, verdict="same")
    sure = replace(unsure, speedup=4817.0, speedup_interval=Interval(162.0, 143_167.0), verdict="better")
    assert speed_words(sure) == "faster: over 100×"
    assert speed_words(unsure) == words
    assert "5000000" not in headline(unsure)


@pytest.mark.parametrize(("verdict", "joined"), [("better", "but"), ("worse", "and")])
def test_a_lost_quality_is_joined_to_the_speed_as_one_would_say_it(verdict: Verdict, joined: str) -> None:
    lost = replace(comparison(held=False), verdict=verdict)
    decision = Goal().decide(lost)
    assert not decision.improves
    assert f", {joined} the quality does not hold: " in decision.reason
