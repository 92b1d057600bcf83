"""Two past runs side by side."""

from dataclasses import replace

import pytest
import reports_by_hand as by_hand
import sensitivity_by_hand

from tauto import rendering
from tauto.errors import InvalidArgument
from tauto.rendering.runs_compared import compared, document
from tauto.results import RunsResult


def test_figures_of_both_stand_side_by_side_with_units():
    first, second = by_hand.tuning(), replace(by_hand.tuning("kept_original"), winner=None, confirmed=None)
    found = compared(first, second)
    rows = {name: values for name, *values in found.rows}
    assert rows["Verdict"] == ["improved", "kept original"]
    assert "×" in rows["Speedup"][0]
    assert rows["Speedup"][1] == "–"
    assert rows["Recipe"][1] == "the original"
    assert found.notes == ()


def test_what_keeps_runs_from_being_compared_is_said():
    one = by_hand.comparison()
    other = replace(one, conditions=replace(one.conditions, fingerprint="another", machine="elsewhere"))
    assert "different machines" in compared(one, other).notes[0]
    assert "different kinds" in compared(one, by_hand.trained_profile()).notes[0]


def test_every_kind_of_run_has_something_to_say_of_itself():
    for report in (*by_hand.everything(), sensitivity_by_hand.sensitivity(), *by_hand.hostile()):
        found = compared(report, report)
        assert found.rows[0][0] == "What came of it"
        assert all(left == right for _, left, right in found.rows)
        assert rendering.html(document(found, ("Run 1", "Run 2")))


def test_runs_are_compared_by_their_numbers():
    reports = {1: by_hand.tuning(), 2: by_hand.comparison()}

    def load(number):
        if number not in reports:
            raise InvalidArgument(f"run: there is no run {number!r}.")
        return reports[number]

    runs = RunsResult(by_hand.runs(), load)
    assert "Run 2" in repr(runs.compare(1, 2))
    assert "<table" in runs.compare(1, 2)._repr_mimebundle_()["text/html"]
    with pytest.raises(InvalidArgument, match="no run 3"):
        runs.compare(1, 3)
