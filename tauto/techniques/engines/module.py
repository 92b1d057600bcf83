"""A model that runs in an engine outside torch, behind the calls of the original."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from tauto.conversion import Exported, OnnxExport, Signature, Witness, load_signature, save_signature
from tauto.errors import CandidateFailed
from tauto.hardware import Hardware
from tauto.techniques.technique import Applicability, Context
from tauto.workload import Workload
from tauto.workload.state import preserved_rng
from tauto.workload.structure import rebuild

__all__ = ["ARTEFACT", "Engine", "EngineModule", "engine_applies", "prepared", "saturates"]

ARTEFACT = "engine"
"""The folder of an engine's files, in that of its step."""
_SIGNATURE = "signature.pkl"
_INPUTS = {torch.float32, torch.float64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool}


_E = TypeVar("_E", Exported, OnnxExport)
_Plain = tuple[tuple[torch.Size, torch.dtype], ...]
_MOST_CHECKED = 16


class Engine(ABC):
    """A loaded engine: tensors in, tensors out. It is copied and sent by its files."""

    folder: Path

    @property
    def shipped_bytes(self) -> int:
        """Bytes of the files that it loads."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    @abstractmethod
    def run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the answer's tensors, in memory that no later call writes to."""

    @abstractmethod
    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to load it again."""


class EngineModule(nn.Module):
    """Takes and returns what the original did; holds an engine and nothing of the original.

    Parameters
    ----------
    engine : Engine
        What runs.
    signature : Signature
        What it was prepared for.
    """

    def __init__(self, engine: Engine, signature: Signature) -> None:
        super().__init__()
        self.engine = engine
        self.signature = signature
        self._checked: set[_Plain | None] = set()  # a small network notices the microseconds of checking
        self.note = ""
        """What a person should know of how it was prepared."""
        # empty, so that code which asks a model's parameters for their device or type finds an answer
        self.placement = nn.Parameter(torch.empty(0), requires_grad=False)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the original would have returned.

        Raises
        ------
        ModelError
            When the call is not of the structure, types and shapes that were prepared.
        """
        plain = None if kwargs else _plain_call(args)
        if plain in self._checked:
            return rebuild(self.signature.answer, self._answer(args))
        tensors = self.signature.tensors(args, kwargs)
        answer = rebuild(self.signature.answer, self.answers(tensors))
        known = plain is None or len(self._checked) >= _MOST_CHECKED or self._needs_pieces(tensors)
        if not known and _same_order(args, tensors):
            self._checked.add(plain)
        return answer

    def answers(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return the tensors of the answer to a call of these, in pieces where only one batch size was prepared.

        Raises
        ------
        ModelError
            When they are not of the prepared types and shapes.
        """
        return self._pieces(tensors) if self._needs_pieces(tensors) else self._run(tensors)

    @property
    def shipped_bytes(self) -> int:
        """Bytes that the engine needs beside the code."""
        return self.engine.shipped_bytes

    def extra_repr(self) -> str:
        """Say what calls it takes."""
        words = (type(self.engine).__name__, self.signature.accepted, self.signature.batching, self.note)
        return ", ".join(word for word in words if word)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.engine, self.signature), {"note": self.note}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.note = state["note"]

    def _run(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        self.signature.check(tensors)
        return self._answer(tensors)

    def _answer(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        outputs = self.engine.run(tensors)
        wanted = zip(outputs, self.signature.outputs, strict=True)
        return [output if output.dtype == dtype else output.to(dtype) for output, dtype in wanted]

    def _needs_pieces(self, tensors: Sequence[Tensor]) -> bool:
        batch, batched = self.signature.batch, self.signature.batched
        if batch is None or not self.signature.per_sample:
            return False
        sizes = {tensors[index].shape[0] if tensors[index].ndim else 0 for index in batched}
        return len(sizes) == 1 and 0 < sizes.pop() != batch

    def _pieces(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Answer a batch of another size in pieces of the prepared one; the last is filled up with its last sample."""
        batch, batched = self.signature.batch or 1, self.signature.batched
        total = tensors[batched[0]].shape[0]
        answers = []
        for start in range(0, total, batch):
            rows = torch.arange(start, start + batch).clamp(max=total - 1)
            piece = [tensor[rows] if index in batched else tensor for index, tensor in enumerate(tensors)]
            answers.append(self._run(piece))
        return [torch.cat(parts)[:total] for parts in zip(*answers, strict=True)]


def _plain_call(args: tuple[Any, ...]) -> _Plain | None:
    """Return shapes and types of a call that is nothing but tensors by position; None for any other."""
    shapes = []
    for value in args:
        if type(value) is not Tensor:
            return None
        shapes.append((value.shape, value.dtype))
    return tuple(shapes)


def _same_order(args: tuple[Any, ...], tensors: Sequence[Tensor]) -> bool:
    return len(args) == len(tensors) and all(one is other for one, other in zip(args, tensors, strict=True))


def engine_applies(workload: Workload) -> Applicability:
    """Say whether an engine for the CPU can take this model's weights and inputs."""
    if (device := workload.device.type) != "cpu":
        return Applicability.no(f"the model is on {device}, and this engine runs on the CPU", "model.cpu()")
    parameters = {parameter.dtype for parameter in workload.model.parameters()}
    if others := parameters - {torch.float32}:
        names = " and ".join(sorted(str(dtype).removeprefix("torch.") for dtype in others))
        return Applicability.no(f"the model has {names} weights, and only a float32 model is converted")
    if others := {tensor.dtype for tensor in workload.example.tensors} - _INPUTS:
        names = " and ".join(sorted(str(dtype).removeprefix("torch.") for dtype in others))
        return Applicability.no(f"the model takes {names} tensors, which the engine does not")
    return Applicability.yes()


def saturates(hardware: Hardware) -> bool:
    """Return whether sums of int8 products may overflow 16 bits, so that weights should take only seven bits.

    It is so on x86 without VNNI:
    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
    """
    return not (hardware.has("VNNI") or hardware.has("NEON"))


def prepared(
    workload: Workload,
    context: Context,
    exported: Callable[[], _E],
    write: Callable[[_E, Path], None],
    load: Callable[[Path, Signature], Engine],
) -> EngineModule:
    """Return the model in an engine: its files are written once, and every process loads them.

    Parameters
    ----------
    workload : Workload
        Its model is run in the engine.
    context : Context
        Where the files are kept.
    exported : callable
        Returns the model exported; asked where this process prepares.
    write : callable
        ``write(exported, folder)`` puts the engine's files into a new folder.
    load : callable
        ``load(folder, signature)`` returns the engine.

    Raises
    ------
    CandidateFailed
        When it cannot be exported or loaded, or answers other batch sizes otherwise than the original.
    """
    witnesses: list[Witness] = []

    def build(folder: Path) -> None:
        with preserved_rng():
            found = exported()
            write(found, folder)
        save_signature(found.signature, folder / _SIGNATURE)
        witnesses.extend(found.witnesses)

    folder = context.file(ARTEFACT, build)
    signature = load_signature(folder / _SIGNATURE, workload.model)
    if len(witnesses) > 1:
        # an engine of its own, so that what other shapes cost in memory does not stay
        _check_other_batch(EngineModule(load(folder, signature), signature), witnesses)
    return EngineModule(load(folder, signature), signature).eval()


def _check_other_batch(module: EngineModule, witnesses: Sequence[Witness]) -> None:
    """Raise when the engine is right for the example and wrong for another batch size."""
    known, other = (_error(module, witness) for witness in witnesses)
    # an engine of low precision may be off by any amount (the quality test judges that), but alike for both
    if other > 0.05 + 10 * known:
        raise CandidateFailed("the converted model answers other batch sizes otherwise than the original")


def _error(module: EngineModule, witness: Witness) -> float:
    """Return the largest relative error (Euclidean) over the outputs; infinite where shapes differ."""
    worst = 0.0
    for got, expected in zip(module.answers(witness.inputs), witness.outputs, strict=True):
        if got.shape != expected.shape:
            return float("inf")
        distance, length = (torch.linalg.vector_norm(v.double()) for v in (got.double() - expected.double(), expected))
        worst = max(worst, float(distance / (length + 1e-6)))
    return worst
