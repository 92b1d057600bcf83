"""Completion through the shell's own completer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from IPython.core.completer import provisionalcompleter

import tauto.techniques


@pytest.fixture
def names(shell: Any) -> Any:
    shell.ip.push(
        {
            "model": torch.nn.Sequential(torch.nn.Linear(1, 1)),
            "mobile": torch.nn.Linear(1, 1),
            "model_name": "a string",
            "batches": [1],
            "accuracy": lambda model: 1.0,
        }
    )
    return shell


def completed(shell: Any, line: str) -> set[str]:
    shell.ip.Completer.use_jedi = False
    with provisionalcompleter():
        found = shell.ip.Completer.completions(line, len(line))
        return {(line[: item.start] + item.text).split(" ")[-1] for item in found}


def test_models_stand_after_the_magics_name(names: Any) -> None:
    assert completed(names, "%tauto_quantize mo") == {"model", "mobile"}
    assert completed(names, "%tauto_compare model mob") == {"mobile"}
    assert completed(names, "%%tauto_profile mod") == {"model"}
    assert completed(names, "small = %tauto_quantize mod") == {"model"}


def test_options(names: Any) -> None:
    assert completed(names, "%tauto_quantize model --in") == {"--inputs", "--into"}
    assert completed(names, "%tauto_quantize model --into x --in") == {"--inputs"}


def test_values_of_the_right_kind(names: Any) -> None:
    assert completed(names, "%tauto_quantize model --evaluate a") == {"accuracy"}
    assert completed(names, "%tauto_quantize model --data b") == {"batches"}
    assert completed(names, "%tauto_quantize model --objective s") == {"size"}


def test_children_of_a_model(names: Any) -> None:
    assert "model.0" in completed(names, "%tauto_profile model.")


def test_techniques_in_a_list(names: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

    monkeypatch.setattr(tauto.techniques, "techniques", lambda: (Named("compile"), Named("channels_last")))
    assert completed(names, "%tauto_autotune model --only compile,ch") == {"compile,channels_last"}


def test_other_lines_and_the_body_of_a_cell_are_left_alone(names: Any) -> None:
    assert "model_name" in completed(names, "x = model_n")
    text = "%%tauto_profile\nmodel_n"
    assert "%%tauto_profile\nmodel_name" in completed(names, text)
