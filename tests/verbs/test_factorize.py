"""Factorize for real: a net of low rank gets faster, one that is not is kept, a target is searched for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tauto
from tauto.config import parse_bytes
from tauto.errors import InvalidArgument
from tauto.recipes import OptimizedModel, Recipe
from tauto.reports import TrialReport
from tauto.techniques.factorization.technique import NOTHING
from tauto.verbs import factorize as verb
from tauto.verbs.targets import parse_factor, target_of

pytestmark = pytest.mark.alone


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAUTO_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("TAUTO_WORK", str(tmp_path / "work"))


def _thin(rank: int) -> nn.Linear:
    layer = nn.Linear(768, 768)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(768, rank) @ torch.randn(rank, 768) / 768**0.5 / rank**0.5)
    return layer


@pytest.fixture(scope="module")
def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(_thin(24), nn.ReLU(), _thin(24), nn.ReLU(), nn.Linear(768, 10)).eval()


INPUTS = torch.randn(1024, 768, generator=torch.Generator().manual_seed(0))


def test_a_net_of_low_rank_gets_smaller_and_is_kept_as_data(net: nn.Sequential, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in net.state_dict().items()}
    result = tauto.factorize(net, INPUTS, energy=0.999, budget="5min", name="net")
    trial = result.trials[0]
    assert trial.recipe.title == "factorize (99.9 % energy)"
    assert result.verdict == "improved", result.reason
    assert trial.comparison is not None
    assert trial.comparison.size_ratio < 0.15
    assert trial.notes[0] == "Written as two, by rank: 0 24 of 768, 2 24 of 768."
    assert trial.notes[1].startswith("Left as it is: 4 (")
    assert "fewer parameters" in trial.reason
    torch.testing.assert_close(result.model(INPUTS), net(INPUTS), rtol=1e-2, atol=1e-3)
    again = tauto.load(tauto.save(result, tmp_path / "kept"), lambda: net)
    assert torch.equal(again(INPUTS), result.model(INPUTS))
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    compile(result.script(), "optimize.py", "exec")


def _plan(monkeypatch: pytest.MonkeyPatch, *args: Any, **options: Any) -> Any:
    plans: list[Any] = []
    monkeypatch.setattr(verb, "tune", lambda workload, plan, hardware: plans.append(plan))
    monkeypatch.setattr(verb, "deliver_tuned", lambda tuned, *_, **__: tuned)
    tauto.factorize(*args, **options)
    return plans[0]


def test_several_energies_are_tried_and_training_where_there_is_data(
    net: nn.Sequential, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = _plan(monkeypatch, net, INPUTS).space()
    assert [recipe.title for recipe in alone.recipes] == [
        "factorize (90 % energy)",
        "factorize (80 % energy)",
        "factorize (95 % energy)",
    ]
    trained = _plan(monkeypatch, net, INPUTS, data=[INPUTS], keep=["4"], epochs=2, learning_rate=1e-4).space()
    config = trained.recipes[0].steps[0].config
    assert (config.energy, config.epochs, config.keep, config.learning_rate) == (0.8, 2, ("4",), 1e-4)
    assert not _plan(monkeypatch, nn.LSTM(8, 8), torch.randn(2, 3, 8)).space().recipes


def test_a_target_is_searched_for_by_the_energy(net: nn.Sequential, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = _plan(monkeypatch, net, INPUTS, data=[INPUTS], speedup="1.5x")
    assert str(plan.goal.target) == "1.5×"
    space = plan.space()
    assert space.recipes == ()
    first = space.follow(())
    assert isinstance(first, Recipe)
    config = first.steps[0].config
    assert 0.5 < config.energy < 1
    assert config.epochs == 0  # how fast it is needs no training
    failed = TrialReport(0, first.report(), "failed", f"{NOTHING}: 0: its rank saves nothing", None, None, 1.0, None)
    second = space.follow([failed])
    assert second.steps[0].config.energy < config.energy


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"energy": 1.5}, "energy: 1.5 is no share"),
        ({"energy": 0.9, "speedup": 2}, "speedup: energy and speedup are given"),
        ({"speedup": "fast"}, "speedup: 'fast' is no speedup"),
        ({"speedup": 1}, "speedup: 1 is no speedup"),
        ({"size": "5 elephants"}, "size: '5 elephants' is no size"),
        ({"size": "1GB"}, "size: the model is .* as it is, within the 1 GB asked for"),
        ({"keep": "4"}, r"keep: '4' is one name. Put it in a list: \['4'\]"),
        ({"keep": ["head"]}, "keep: there is no layer 'head'"),
        ({"epochs": 2}, "epochs: there is nothing to train with"),
        ({"epochs": -1}, "epochs: "),
        ({"objective": "speed"}, "objective: there is no 'speed'"),
        ({"loss": nn.MSELoss()}, "loss: there is nothing to train on"),
        ({"data": [INPUTS], "learning_rate": 0}, "learning_rate: 0 is out of range"),
    ],
    ids=str,
)
def test_mistakes_are_told_before_any_work(net: nn.Sequential, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        tauto.factorize(net, INPUTS, **options)


def test_what_is_optimized_already_is_refused(net: nn.Sequential) -> None:
    fast = OptimizedModel(net, Recipe.of("channels_last"), net)
    with pytest.raises(InvalidArgument, match=r"optimized already \(channels_last\)"):
        tauto.factorize(fast, INPUTS)


def test_targets_are_read_as_written() -> None:
    assert (parse_factor("2x"), parse_factor("1.5×"), parse_factor(3)) == (2.0, 1.5, 3.0)
    assert (parse_bytes("5MB"), parse_bytes("300 kB"), parse_bytes("1MiB"), parse_bytes(7)) == (5e6, 3e5, 2**20, 7.0)
    assert target_of() is None
    assert str(target_of(latency="3ms")) == "3 ms"
