"""An exported program as an ONNX file."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from tauto.conversion.export import Exported
from tauto.conversion.quiet import converting

__all__ = ["MODEL", "input_names", "output_names", "write_onnx"]

MODEL = "model.onnx"


def input_names(exported: Exported) -> list[str]:
    """Return the names of the inputs, in order."""
    return [f"input{index}" for index in range(len(exported.signature.inputs))]


def output_names(exported: Exported) -> list[str]:
    """Return the names of the outputs, in order."""
    return [f"output{index}" for index in range(len(exported.signature.outputs))]


def write_onnx(exported: Exported, folder: Path) -> Path:
    """Write ``folder/model.onnx``, its weights beside it as ``model.onnx.data``; return the file.

    Weights stand in a file of their own, since a protocol buffer holds at most 2 GB.

    Raises
    ------
    CandidateFailed
        When an operator of the model has no counterpart in ONNX; the message names it.
    """
    shutil.rmtree(folder, ignore_errors=True)  # what a killed process left half written
    folder.mkdir(parents=True, mode=0o700)
    with converting("the export to ONNX failed"):
        torch.onnx.export(
            exported.program,
            (),
            folder / MODEL,
            input_names=input_names(exported),
            output_names=output_names(exported),
            dynamo=True,
            external_data=True,
            verbose=False,
        )
    return folder / MODEL
