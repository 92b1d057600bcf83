"""``%tauto_sensitivity``: what its own options become, and what ``--into`` keeps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn


@pytest.fixture
def ready(shell: Any, engine: Any) -> Any:
    shell.engine = engine
    shell.ip.push({"model": nn.Linear(2, 2), "rows": [torch.zeros(1, 2)], "accuracy": lambda net: 1.0})
    return shell


def test_every_option_reaches_the_engine_under_its_keyword(ready: Any) -> None:
    line = (
        "%tauto_sensitivity model --data rows --evaluate accuracy --metric top1 --bits 4 --activations dynamic "
        "--budget 30s --max-drop 2%"
    )
    assert ready.run(line).success
    names = ready.ip.user_ns
    verb, args, keywords = ready.engine.calls[-1]
    assert (verb, args) == ("sensitivity", (names["model"],))
    assert keywords == {
        "data": names["rows"],
        "evaluate": names["accuracy"],
        "metric": "top1",
        "max_drop": "2%",
        "bits": 4,
        "activations": "dynamic",
        "budget": "30s",
        "name": "model",
    }


def test_the_result_itself_is_written_into_the_name_and_goes_to_the_quantizer(ready: Any) -> None:
    assert ready.run("r = %tauto_sensitivity model --data rows --into found").success
    assert ready.ip.user_ns["found"] is ready.ip.user_ns["r"]
    assert ready.run("%tauto_quantize model --data rows --sensitivity found").success
    assert ready.engine.keywords["sensitivity"] is ready.ip.user_ns["found"]


def test_what_was_found_until_it_was_stopped_is_written_too(ready: Any) -> None:
    ready.engine.then = ready.engine.stop
    assert not ready.run("%tauto_sensitivity model --data rows --into found").success
    assert ready.ip.user_ns["found"].verb == "partial"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%tauto_sensitivity model --bits many", "--bits"),
        ("%tauto_sensitivity model --activations statik", "--activations"),
        ("%tauto_sensitivity modle", "Did you mean 'model'"),
        ("%tauto_sensitivity model --data rows --into rows", "is read by this line"),
    ],
)
def test_mistakes_are_one_line(ready: Any, line: str, says: str) -> None:
    assert says in ready.fails(line)
    assert not ready.engine.calls
