"""What panels of layers and of past runs hold, made by hand: traits of their models as JSON data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import reports_by_hand
import sensitivity_by_hand

from tauto.rendering import bounded
from tauto.rendering.runs_compared import compared
from tauto.reports import ChoicesReport, EngineOption, LayerOption, Report, RunRow, RunsReport
from tauto.tuning.layer_outlook import SHARES

__all__ = ["ODD", "compression_traits", "history_traits", "layer", "opened_runs", "past_runs"]

ODD = "<img src=x onerror=alert(1)>"
"""A name that is markup."""


def layer(path: str, noise: float = 1e-3, drop: float | None = 0.002) -> LayerOption:
    zeros = tuple(share**3 for share in SHARES)
    return LayerOption(path, "Linear", 40_000, 10_500, 20_000, 10_000, noise, noise / 100, zeros, drop, 0.2, 0.1)


def _options(layers: Sequence[LayerOption]) -> ChoicesReport:
    paths = tuple(one.path for one in layers)
    torch = EngineOption("torch", "PyTorch", paths[:-1], paths)
    openvino = EngineOption("openvino", "OpenVINO", (), (), lacking="openvino is not installed")
    return ChoicesReport("net", 400_000, SHARES, tuple(layers), (torch, openvino), 1.0, 1.0, "accuracy", 0.01)


def compression_traits(layers: Sequence[LayerOption], **others: Any) -> dict[str, Any]:
    weights = {
        **asdict(sensitivity_by_hand.weight_picture()),
        "name": layers[0].path,
    }
    return {
        "report": bounded(sensitivity_by_hand.sensitivity()),
        "token": "t",
        "options": asdict(_options(layers)),
        "asked": {"number": 0, "engine": "torch", "choices": {}},
        "answer": None,
        "looked": layers[0].path,
        "picture": weights,
        "code": {"lines": "import tauto\n", "script": "import torch\n"},
        **others,
    }


def past_runs() -> RunsReport:
    rows = tuple(
        RunRow(number, f"2026-11-{number:02}T14:05:09+00:00", verb, model, words, verdict, "4f2a", "Xeon")
        for number, verb, model, words, verdict in (
            (12, "autotune", "net", "2.31× faster", "improved"),
            (11, "profile", ODD, f"{ODD} takes 42 %", ""),
            (10, "autotune", "resnet", "Kept the original", "kept_original"),
        )
    )
    return replace(reports_by_hand.runs(), rows=rows, total=3)


def history_traits(**others: Any) -> dict[str, Any]:
    return {
        "report": bounded(past_runs()),
        "token": "t",
        "opened": [],
        "compared": None,
        "trouble": "",
        "choices": {"models": ["net"], "values": ["x"], "functions": ["judge"]},
        "applied": None,
        **others,
    }


def opened_runs(reports: Sequence[Report]) -> dict[str, Any]:
    shown = [
        {"number": 11 + index, "report": bounded(one), "sentences": "a\nb", "recipe": None}
        for index, one in enumerate(reports)
    ]
    found = compared(*reports) if len(reports) == 2 else None
    told = None if found is None else {"rows": list(map(list, found.rows)), "notes": list(found.notes)}
    return {"opened": shown, "compared": told}
