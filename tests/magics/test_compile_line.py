"""``%tauto_compile``: what its own options become."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn


@pytest.fixture
def ready(shell: Any, engine: Any) -> Any:
    shell.engine = engine
    shell.ip.push({"model": nn.Linear(2, 2), "rows": [torch.zeros(1, 2)]})
    return shell


def test_every_option_reaches_the_engine_under_its_keyword(ready: Any) -> None:
    assert ready.run("%tauto_compile model --data rows --mode freezing --dynamic --budget 90s --into fast").success
    names = ready.ip.user_ns
    verb, args, keywords = ready.engine.calls[-1]
    assert (verb, args) == ("compile", (names["model"],))
    assert keywords == {
        "data": names["rows"],
        "mode": "freezing",
        "dynamic": True,
        "budget": "90s",
        "name": "model",
    }
    assert names["fast"] is ready.engine.optimized


@pytest.mark.parametrize(("line", "dynamic"), [("--static", False), ("", None)])
def test_shapes_are_chosen_by_trying_unless_said(ready: Any, line: str, dynamic: bool | None) -> None:
    assert ready.run(f"%tauto_compile model {line}").success
    assert ready.engine.keywords.get("dynamic") is dynamic


def test_both_kinds_of_shapes_are_refused_in_one_line(ready: Any) -> None:
    assert "--static" in ready.fails("%tauto_compile model --dynamic --static")
