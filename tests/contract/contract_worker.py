"""A second process, which only loads what a first one prepared: ``contract_worker.py MANIFEST OUTPUTS``."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import torch
from contract_workloads import workload

from tauto.hardware import Hardware
from tauto.recipes import Recipe, build
from tauto.techniques import Context
from tauto.workload.structure import tensors_of


def main(manifest: Path, outputs: Path) -> None:
    warnings.simplefilter("ignore")
    found = {}
    for case in json.loads(manifest.read_text()):
        given = workload(case["workload"])
        context = Context(Path(case["folder"]), Hardware.current(), may_prepare=False)
        try:
            model = build(Recipe.from_dict(case["recipe"]), given, context)
            found[case["id"]] = tensors_of(given.example(model))
        except Exception as error:  # told to the test, which fails for this case alone
            found[case["id"]] = f"{type(error).__name__}: {error}"
    torch.save(found, outputs)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
