"""``%tauto_decode``: what its own options become, and what ``--into`` keeps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import tauto


@pytest.fixture
def ready(shell: Any, engine: Any) -> Any:
    shell.engine = engine
    model = nn.Linear(2, 2)
    shell.ip.push({"model": model, "prompt": torch.zeros(1, 2), "decoder": tauto.Decoder(model)})
    return shell


def test_every_option_reaches_the_engine_under_its_keyword(ready: Any) -> None:
    line = "%tauto_decode model --inputs prompt --lengths 25,400 --ways none,static --target 4x --min-agreement 0.9"
    assert ready.run(f"{line} --budget 90s --into fast").success
    name, args, keywords = ready.engine.calls[-1]
    assert name == "decode"
    assert args == (ready.ip.user_ns["model"],)
    assert keywords.pop("inputs") is ready.ip.user_ns["prompt"]
    assert keywords == {
        "lengths": "25,400",
        "ways": "none,static",
        "target": "4x",
        "min_agreement": 0.9,
        "budget": "90s",
        "name": "model",
    }
    assert ready.ip.user_ns["fast"] is ready.engine.optimized


def test_what_is_not_given_is_left_to_the_engine(ready: Any) -> None:
    assert ready.run("%tauto_decode decoder").success
    assert ready.engine.calls[-1][1] == (ready.ip.user_ns["decoder"],)
    assert ready.engine.keywords == {"name": "decoder"}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%tauto_decode modle", "Did you mean 'model'"),
        ("%tauto_decode model --min-agreement much", "--min-agreement"),
        ("%tauto_decode model --inputs prompt --into prompt", "is read by this line"),
        ("%tauto_decode model --lenghts 25", "Did you mean '--lengths'"),
    ],
)
def test_mistakes_are_one_line(ready: Any, line: str, says: str) -> None:
    assert says in ready.fails(line)
    assert not ready.engine.calls
