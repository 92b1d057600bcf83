"""A search whose second candidate hangs, so that it can be killed; run by tests/verbs/test_autotune_resume.py."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import torch
from techniques_by_hand import Shortcut, Slower, Wasteful, registered

import tauto


class Lingers(Slower):
    name = "lingers"

    def apply(self, workload, config, context):
        if "LINGER" in os.environ:
            time.sleep(600)
        return super().apply(workload, config, context)


if __name__ == "__main__":
    torch.manual_seed(0)
    inputs = torch.randn(64, 64, generator=torch.Generator().manual_seed(1))
    with registered(Shortcut, Lingers):
        result = tauto.autotune(Wasteful(), inputs=inputs, budget="4min")
    report = result.report
    told = {"verdict": report.verdict, "winner": report.winner, "earlier": report.study.earlier}
    told["titles"] = [trial.recipe.title for trial in report.trials]
    told["notes"] = [list(trial.notes) for trial in report.trials]
    Path(sys.argv[1]).write_text(json.dumps(told))
