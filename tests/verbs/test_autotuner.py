"""The engine under the names of AutoML courses."""

from __future__ import annotations

import pytest
import torch
from techniques_by_hand import Shortcut, Wasteful, registered
from torch import nn

import tauto
from tauto.errors import InvalidArgument

pytestmark = pytest.mark.alone

INPUTS = torch.randn(64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))


def line(count=40):
    """Batches of points on a line."""
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(16, 1, generator=generator) for _ in range(count)]
    return [(x, 3 * x + 1) for x in inputs]


def test_optimizing_is_autotune():
    with registered(Shortcut):
        result = tauto.AutoTuner(budget="2min").auto_optimize(
            Wasteful(), tauto.Constraints(max_size_bytes=1e9), inputs=INPUTS
        )
    assert result.report.verb == "autotune"
    assert result.verdict == "improved"


def test_a_pipeline_comes_without_a_search():
    net = nn.Linear(8, 8).eval()
    recipe = tauto.AutoTuner().optimization_pipeline(net, "cpu-server", torch.zeros(1, 8), only=["int8_dynamic"])
    assert recipe == tauto.optimization_pipeline(net, "cpu-server", torch.zeros(1, 8), only=["int8_dynamic"])


def test_how_to_train_is_searched_for_and_judged_by_batches_that_did_not_train():
    torch.manual_seed(0)
    net = nn.Linear(1, 1)
    before = [parameter.clone() for parameter in net.parameters()]
    result = tauto.AutoTuner().hyperparameter_search(net, line(), "5 trials", epochs=2)
    assert set(result.params) == {"lr", "weight_decay", "schedule", "warmup_share"}
    assert result.best.values[0] == min(trial.values[0] for trial in result.trials if trial.values)
    assert all(torch.equal(one, other) for one, other in zip(before, net.parameters(), strict=True))


def test_what_judges_may_be_given():
    net = nn.Linear(1, 1)
    tuner = tauto.AutoTuner(evaluate=lambda model: -float((model(torch.ones(1, 1)) - 4).abs()), budget="3 trials")
    assert len(tuner.hyperparameter_search(net, line(4)).report.trials) == 3


def test_what_cannot_train_is_told():
    tuner, net = tauto.AutoTuner(), nn.Linear(1, 1)
    with pytest.raises(InvalidArgument, match=r"^data: batches must be pairs"):
        tuner.hyperparameter_search(net, [torch.ones(2, 1)])
    with pytest.raises(InvalidArgument, match=r"^data: a single batch cannot both train and judge"):
        tuner.hyperparameter_search(net, line(1))
    with pytest.raises(InvalidArgument, match=r"^loss: there is none known for labels of list"):
        tuner.hyperparameter_search(net, [(torch.ones(2, 1), [1, 2])] * 3)


def test_a_budget_that_is_none_is_told_where_it_is_given():
    with pytest.raises(InvalidArgument, match=r"^budget: 'soon' is not a time"):
        tauto.AutoTuner(budget="soon")
    assert tauto.AutoTuner(budget="20 trials").budget == "20 trials"
