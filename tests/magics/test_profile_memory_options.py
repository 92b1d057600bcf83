"""``--memory`` and ``--stacks`` as options of the profile magic."""

from __future__ import annotations

from typing import Any

import pytest
import torch


@pytest.fixture
def ready(shell: Any, engine: Any) -> Any:
    shell.engine = engine
    shell.ip.push({"model": torch.nn.Linear(2, 2)})
    return shell


def test_memory_and_stacks_reach_the_engine_from_a_line_and_a_cell(ready: Any) -> None:
    assert ready.run("%tauto_profile model --memory --stacks").success
    assert (ready.engine.keywords["memory"], ready.engine.keywords["stacks"]) == (True, True)
    ready.run("%%tauto_profile --memory\n1 + 1")
    assert ready.engine.keywords["memory"] is True
    assert "stacks" not in ready.engine.keywords
    ready.run("%tauto_profile model")
    assert not {"memory", "stacks"} & set(ready.engine.keywords)
