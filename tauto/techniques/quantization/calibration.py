"""What is told of the samples that ranges were taken from."""

from __future__ import annotations

import json
from pathlib import Path

from tauto.techniques.quantization.quantized import few_names, unreached
from tauto.techniques.quantization.rounding import KINDS
from tauto.techniques.technique import Account
from tauto.workload import Workload

__all__ = ["ENOUGH_SAMPLES", "MOST_CALLS", "calibration_words", "read_calibration", "write_calibration"]

MOST_CALLS = 300
"""Calls that ranges are taken from, at most; NNCF's own default."""
ENOUGH_SAMPLES = 32
_FILE = "calibration.json"


def calibration_words(samples: int) -> str:
    """Return what is to be known of ranges from so many samples.

    Examples
    --------
    >>> calibration_words(64)
    'int8 ranges from 64 samples'
    """
    ranges = f"int8 ranges from {samples} sample{'' if samples == 1 else 's'}"
    if samples >= ENOUGH_SAMPLES:
        return ranges
    return f"{ranges}, fewer than the {ENOUGH_SAMPLES} that make it dependable (give data=)"


def write_calibration(folder: Path, workload: Workload) -> None:
    """Write how many samples there were, and which layers none of them reached."""
    model = workload.copy_model()
    layers = [name for name, module in model.named_modules() if type(module) in KINDS]
    missed = unreached(model, layers, (workload.example, *workload.samples))
    (folder / _FILE).write_text(json.dumps({"samples": workload.sample_count, "missed": missed}))


def read_calibration(folder: Path) -> Account:
    """Return what :func:`write_calibration` wrote, in words; nothing where there was no calibration."""
    path = folder / _FILE
    if not path.exists():
        return Account()
    found = json.loads(path.read_text())
    words = calibration_words(found["samples"])
    missed = f"No sample reached {few_names(found['missed'])}, which an engine leaves out." if found["missed"] else ""
    return Account("", tuple(filter(None, (f"{words[0].upper()}{words[1:]}.", missed))))
