"""``%tauto_quantize``: what its own options become."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn


@pytest.fixture
def ready(shell: Any, engine: Any) -> Any:
    shell.engine = engine
    names = {"model": nn.Linear(2, 2), "rows": [torch.zeros(1, 2)], "loss": nn.CrossEntropyLoss(), "tune": print}
    shell.ip.push(names)
    return shell


def test_every_option_reaches_the_engine_under_its_keyword(ready: Any) -> None:
    line = "%tauto_quantize model --data rows --method qat --bits 8 --engine openvino --epochs 2 --learning-rate 0.001"
    assert ready.run(f"{line} --loss loss --objective size").success
    names = ready.ip.user_ns
    verb, args, keywords = ready.engine.calls[-1]
    assert (verb, args) == ("quantize", (names["model"],))
    assert keywords == {
        "data": names["rows"],
        "method": "qat",
        "bits": 8,
        "engine": "openvino",
        "epochs": 2,
        "learning_rate": 0.001,
        "loss": names["loss"],
        "objective": "size",
        "name": "model",
    }


def test_the_users_own_function_is_handed_on(ready: Any) -> None:
    assert ready.run("%tauto_quantize model --method qat --finetune tune").success
    assert ready.engine.calls[-1][2]["finetune"] is print


def test_what_is_not_given_is_not_handed_on(ready: Any) -> None:
    assert ready.run("%tauto_quantize model --method weight-only --bits 4").success
    keywords = ready.engine.calls[-1][2]
    assert {key: keywords[key] for key in ("method", "bits")} == {"method": "weight-only", "bits": 4}
    assert not {"engine", "objective", "loss", "finetune", "epochs", "learning_rate"} & set(keywords)
