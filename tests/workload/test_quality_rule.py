"""What the rule says of itself, and what it refuses to be asked."""

import pytest
import torch
from torch import nn

import tauto
from tauto.config import parse_drop
from tauto.errors import InvalidArgument
from tauto.workload.quality import QualityRule

X = torch.zeros(2, 4)


@pytest.mark.parametrize(("given", "value"), [("max_drop", "5%"), ("max_drop", "1%"), ("metric", "top1")])
def test_what_is_about_evaluate_is_refused_without_one(given, value):
    with pytest.raises(InvalidArgument, match=rf"^{given}: .*Give evaluate, or leave {given} out: .*cosine ≥ 0\.99"):
        tauto.Workload.of(nn.Linear(4, 2), inputs=X, **{given: value})


def test_a_drop_among_the_constraints_is_refused_without_evaluate_too():
    with pytest.raises(InvalidArgument, match=r"^max_drop: .*Give evaluate"):
        tauto.autotune(nn.Linear(4, 2), X, constraints=tauto.Constraints(max_drop="2%"))


def test_with_evaluate_the_drop_is_the_rule():
    words = QualityRule(parse_drop("5%")).describe(has_evaluate=True, samples=100)
    assert words == "every metric of evaluate may get worse by at most 5% (higher is better)"
    told = tauto.Workload.of(nn.Linear(4, 2), inputs=X, evaluate=lambda model: 1.0).quality_rule
    assert "at most 1%" in told
