"""What the JupyterLab extension asks of a kernel, as it asks: by user expressions."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from reports_by_hand import profile, tuning
from torch import nn

import tauto
from tauto.config import Settings
from tauto.events import check_stop
from tauto.workload import seen
from tauto_magics.running import can_be_stopped
from tauto_magics.settings import DEFAULTS


def asked(shell: Any, call: str) -> Any:
    """Return the JSON that the front end receives, which must be JSON."""
    answer = shell.ip.user_expressions({"tauto": f"__import__('tauto_magics.lab').lab.{call}"})["tauto"]
    assert answer["status"] == "ok", answer
    return json.loads(json.dumps(answer["data"]["application/json"]))


def fields(shell: Any, magic: str) -> dict[str, Any]:
    return {field["key"]: field for field in asked(shell, f"form({magic!r})")["fields"]}


def test_a_dialog_is_told_the_models_of_the_kernel(shell: Any) -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    shell.ip.push({"model": model, "lazy": nn.LazyLinear(2), "x": [1.0], "accuracy": lambda model: 1.0})
    assert seen.remember(model, (torch.zeros(1, 3),), {})
    told = asked(shell, "form('tauto_quantize')")
    assert told["loaded"]
    assert told["models"] == [
        {"name": "lazy", "class": "LazyLinear", "parameters": None, "called": False},
        {"name": "model", "class": "Sequential", "parameters": 8, "called": True},
    ]


def test_its_fields_are_the_magics_own_options(shell: Any) -> None:
    shell.ip.push({"model": nn.Linear(1, 1), "batches": [1], "accuracy": lambda model: 1.0})
    found = fields(shell, "tauto_quantize")
    assert found["model"]["asks"] == "model"
    assert found["model"]["needed"]
    assert found["--evaluate"]["choices"] == ["accuracy"]
    assert found["--data"]["choices"] == ["batches"]
    assert found["--objective"] | {"help": ""} == {
        "key": "--objective",
        "flag": "--objective",
        "asks": "choice",
        "needed": False,
        "help": "",
        "choices": ["latency", "size"],
    }
    assert found["--isolated"]["asks"] == "switch"
    assert "1% (default)" in found["--max-drop"]["help"]
    assert not fields(shell, "tauto_autotune")["model"]["needed"]


def test_a_kernel_without_the_extension_says_so(shell: Any) -> None:
    shell.run("%unload_ext tauto_magics")
    assert not asked(shell, "form('tauto_quantize')")["loaded"]
    shell.run("%load_ext tauto_magics")


def test_the_script_comes_from_the_report_alone(shell: Any) -> None:
    told = asked(shell, f"script({json.dumps(tuning().to_dict())!r})")
    assert "def optimize(model" in told["script"]
    assert "has no script" in asked(shell, f"script({json.dumps(profile().to_dict())!r})")["refused"]
    newer = {**tuning().to_dict(), "schema": 99}
    assert "newer" in asked(shell, f"script({json.dumps(newer)!r})")["refused"]


def test_the_machine_is_told_without_measuring_it(shell: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAUTO_CACHE", str(tmp_path / "empty"))
    report = asked(shell, "machine()")["report"]
    assert report["kind"] == "machine"
    assert report["cores"] == tauto.Hardware.current().cores
    assert report["ceilings"] == []


def test_a_search_is_asked_for_its_end_from_elsewhere(shell: Any) -> None:
    assert not asked(shell, "stop()")["asked"]
    with can_be_stopped():
        check_stop()
        assert asked(shell, "stop()")["asked"]
        with pytest.raises(KeyboardInterrupt):
            check_stop()
    assert not asked(shell, "stop()")["asked"]


def test_defaults_of_the_settings_page_are_honoured(shell: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAUTO_FIGURES", raising=False)
    shell.ip.push({"model": nn.Linear(1, 1)})
    given = {"budget": "7min", "figures": "dark", "options": {"tauto_autotune": "--objective size --isolated"}}
    monkeypatch.setenv(DEFAULTS, json.dumps(given))  # as the extension sets it, in the kernel
    assert asked(shell, f"use_defaults({json.dumps(given)!r})")["refused"] == []
    shell.run("%tauto_autotune model --objective memory")
    assert engine.keywords["budget"] == "7min"
    assert engine.keywords["objective"] == "memory"
    assert engine.keywords["isolated"]
    assert Settings.current().figures == "dark"
    # magics loaded later take them too; what was set here stays, whatever the page says
    shell.run("%reload_ext tauto_magics")
    shell.run("%config TautoMagics.budget = '9min'")
    asked(shell, 'use_defaults(\'{"budget": "1min"}\')')
    shell.run("%tauto_autotune model")
    assert engine.keywords["budget"] == "9min"
    assert "objective" not in engine.keywords
    assert Settings.current().figures == "light"


def test_defaults_that_do_not_fit_are_told(shell: Any) -> None:
    shell.ip.push({"model": nn.Linear(1, 1)})
    [words] = asked(shell, 'use_defaults(\'{"budget": "soon", "max_drop": "2%"}\')')["refused"]
    assert "settings page" in words
    assert "soon" in words
    asked(shell, 'use_defaults(\'{"options": {"tauto_quantize": "--no-such 1"}}\')')
    words = shell.fails("%tauto_quantize model")
    assert "default options of %tauto_quantize" in words
    assert "--no-such" in words
