"""What the tests of the verbs share."""

import pytest

from tauto import measurement
from tauto.tuning.allowance import Allowance

COMPARISON_S = 2.5


@pytest.fixture(autouse=True)
def _comparisons_are_brief(monkeypatch):
    """Time each comparison as within a budget of half a minute, however long a slow machine may take for the rest.

    The budgets of these tests are of minutes: a search whose candidates are few ends by itself.
    """
    brief = property(lambda allowance: min(COMPARISON_S, max(1.0, 0.08 * allowance.budget.total_s)))
    monkeypatch.setattr(Allowance, "timing_s", brief)
    for function in (measurement.compare, measurement.measure):
        monkeypatch.setitem(function.__kwdefaults__, "time_cap_s", COMPARISON_S)
