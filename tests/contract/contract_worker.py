"""A second process, which only loads what a first one prepared; a line of stdin is a case, a line of stdout its end."""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from contract_workloads import workload

from tauto.execution import compiler_cache
from tauto.hardware import Hardware
from tauto.recipes import Recipe, build
from tauto.techniques import Context
from tauto.workload.structure import tensors_of


def loaded(case: dict[str, Any]) -> Any:
    """Return the outputs of a case, or the error in words."""
    given = workload(case["workload"], case["hooked"])
    context = Context(Path(case["folder"]), Hardware.current(), may_prepare=False, cache=compiler_cache())
    try:
        model = build(Recipe.from_dict(case["recipe"]), given, context)
        return tensors_of(given.example(model))
    except Exception as error:  # told to the test, which fails for this case alone
        return f"{type(error).__name__}: {error}"


def main() -> None:
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")  # what engines print goes elsewhere
    os.dup2(2, 1)
    for line in sys.stdin:
        case = json.loads(line)
        torch.save(loaded(case), case["to"])
        print("done", file=answers, flush=True)


if __name__ == "__main__":
    main()
