"""A model as an ONNX file, written once for all engines that read it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from tauto.conversion.export import Exported, Witness, export
from tauto.conversion.quiet import converting
from tauto.conversion.signature import Signature
from tauto.conversion.signature_file import load_signature, save_signature
from tauto.workload import Workload
from tauto.workload.state import preserved_rng

__all__ = ["MODEL", "OnnxExport", "export_onnx", "input_names", "output_names"]

MODEL = "model.onnx"
_SIGNATURE, _WITNESSES = "signature.pkl", "witnesses.pt"


@dataclass(frozen=True, slots=True, eq=False)
class OnnxExport:
    """A model as an ONNX file, and what it stands for.

    Parameters
    ----------
    folder : Path
        Holds ``model.onnx`` and its weights; not to be written to.
    signature : Signature
        How calls and answers are taken apart and put together.
    witnesses : tuple of Witness
        The original's answers: the example's first, then one at a batch size that was not traced.
    """

    folder: Path
    signature: Signature
    witnesses: tuple[Witness, ...]

    @property
    def file(self) -> Path:
        """The graph."""
        return self.folder / MODEL


def export_onnx(workload: Workload, file: Callable[[str, Callable[[Path], None]], Path]) -> OnnxExport:
    """Return the model of ``workload`` as an ONNX file.

    Parameters
    ----------
    workload : Workload
        Its model is exported, unless that was done.
    file : callable
        ``file(name, build)`` returns the folder that ``build(folder)`` makes, now or earlier.

    Raises
    ------
    CandidateFailed
        When the model cannot be exported, or an operator of it has no counterpart in ONNX; the message names it.
    """
    folder = file("onnx", lambda part: _write(workload, part))
    kept = torch.load(folder / _WITNESSES, weights_only=True)
    witnesses = tuple(Witness(tuple(inputs), tuple(outputs)) for inputs, outputs in kept)
    return OnnxExport(folder / "model", load_signature(folder / _SIGNATURE, workload.model), witnesses)


def _write(workload: Workload, folder: Path) -> None:
    with preserved_rng():
        exported = export(workload)
        _write_graph(exported, folder / "model")
    save_signature(exported.signature, folder / _SIGNATURE)
    torch.save([(list(one.inputs), list(one.outputs)) for one in exported.witnesses], folder / _WITNESSES)


def input_names(exported: Exported) -> list[str]:
    """Return the names of the inputs, in order."""
    return [f"input{index}" for index in range(len(exported.signature.inputs))]


def output_names(exported: Exported) -> list[str]:
    """Return the names of the outputs, in order."""
    return [f"output{index}" for index in range(len(exported.signature.outputs))]


def _write_graph(exported: Exported, folder: Path) -> None:
    """Write ``folder/model.onnx``; the weights beside it, since a protocol buffer holds at most 2 GB."""
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
