"""``%tauto_factorize``: what its own options become."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn


@pytest.fixture
def ready(shell: Any, engine: Any) -> Any:
    shell.engine = engine
    shell.ip.push(
        {"model": nn.Linear(2, 2), "rows": [torch.zeros(1, 2)], "loss": nn.MSELoss(), "tune": lambda net: None}
    )
    return shell


def test_every_option_reaches_the_engine_under_its_keyword(ready: Any) -> None:
    line = (
        "%tauto_factorize model --data rows --energy 0.8 --keep a.b,c --epochs 2 --learning-rate 0.01 --patience 1 "
        "--loss loss "
        "--objective size --budget 90s --into thin"
    )
    assert ready.run(line).success
    names = ready.ip.user_ns
    verb, args, keywords = ready.engine.calls[-1]
    assert (verb, args) == ("factorize", (names["model"],))
    assert keywords == {
        "data": names["rows"],
        "energy": 0.8,
        "keep": ["a.b", "c"],
        "epochs": 2,
        "learning_rate": 0.01,
        "patience": 1,
        "loss": names["loss"],
        "objective": "size",
        "budget": "90s",
        "name": "model",
    }
    assert names["thin"] is ready.engine.optimized


@pytest.mark.parametrize("target", ["speedup 1.5x", "latency 3ms", "size 5MB"])
def test_a_target_goes_as_it_is_written(ready: Any, target: str) -> None:
    name, value = target.split()
    assert ready.run(f"%tauto_factorize model --{target} --finetune tune").success
    keywords = ready.engine.keywords
    assert keywords[name] == value
    assert keywords["finetune"] is ready.ip.user_ns["tune"]
    assert "energy" not in keywords


def test_mistakes_are_one_line(ready: Any) -> None:
    assert "--energy" in ready.fails("%tauto_factorize model --energy much")
    assert "no name 'lose'" in ready.fails("%tauto_factorize model --loss lose")
