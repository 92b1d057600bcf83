"""``%tauto_prune``: what its own options become."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn


@pytest.fixture
def ready(shell: Any, engine: Any) -> Any:
    shell.engine = engine
    names = {
        "model": nn.Linear(2, 2),
        "rows": [torch.zeros(1, 2)],
        "loss": nn.CrossEntropyLoss(),
        "tune": lambda net: None,
    }
    shell.ip.push(names)
    return shell


def test_every_option_reaches_the_engine_under_its_keyword(ready: Any) -> None:
    line = (
        "%tauto_prune model --data rows --sparsity 30% --structure channels --importance taylor --spread global "
        "--ratios a.b=0.2,c=0.7 --steps 3 --schedule cubic --epochs 2 --learning-rate 0.01 --patience 1 --loss loss"
    )
    assert ready.run(line).success
    names = ready.ip.user_ns
    verb, args, keywords = ready.engine.calls[-1]
    assert (verb, args) == ("prune", (names["model"],))
    assert keywords == {
        "data": names["rows"],
        "sparsity": "30%",
        "structure": "channels",
        "importance": "taylor",
        "spread": "global",
        "ratios": {"a.b": 0.2, "c": 0.7},
        "steps": 3,
        "schedule": "cubic",
        "epochs": 2,
        "learning_rate": 0.01,
        "patience": 1,
        "loss": names["loss"],
        "name": "model",
    }


@pytest.mark.parametrize("target", ["speedup 2x", "latency 3ms", "size 5MB"])
def test_a_target_goes_as_it_is_written(ready: Any, target: str) -> None:
    name, value = target.split()
    assert ready.run(f"%tauto_prune model --{target} --finetune tune --into small").success
    keywords = ready.engine.calls[-1][2]
    assert keywords[name] == value
    assert keywords["finetune"] is ready.ip.user_ns["tune"]
    assert "small" in ready.ip.user_ns


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%tauto_prune model --ratios conv1", "--ratios: 'conv1' is no layer and share. Write such as conv1=0.2."),
        ("%tauto_prune model --finetune tun", "no name 'tun' here. Did you mean 'tune'?"),
        ("%tauto_prune model --steps many", "--steps"),
    ],
)
def test_a_mistake_is_one_line(ready: Any, line: str, words: str) -> None:
    assert not ready.run(line).success
    assert words in ready.err + ready.out
