"""What the rule says of itself."""

import pytest

from tauto.config import parse_drop
from tauto.workload.quality import QualityRule


@pytest.mark.parametrize(("drop", "said"), [("1%", False), ("5%", True), ("0.02", True)])
def test_a_drop_that_nothing_measures_is_said(drop, said):
    words = QualityRule(parse_drop(drop)).describe(has_evaluate=False, samples=100)
    assert ("no effect without evaluate" in words) is said


def test_with_evaluate_the_drop_is_the_rule():
    words = QualityRule(parse_drop("5%")).describe(has_evaluate=True, samples=100)
    assert words == "every metric of evaluate may get worse by at most 5% (higher is better)"
