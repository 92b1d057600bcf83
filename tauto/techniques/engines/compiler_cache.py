"""The compiler's files: one folder for each model, configuration and machine, and what filling it cost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType
from typing import Any, Literal

import psutil
import torch
from torch import nn

from tauto.techniques.engines.compiled import find_instruction_sets
from tauto.techniques.technique import Context
from tauto.workload import Call

__all__ = ["Prepared", "compiler_folder", "prepare", "prepared_before"]

FACTS = "compiled.json"
"""Of a step: what compiling it took in the process that did it."""
_COLD = "cold.json"
"""Of a folder of the cache: what filling it took."""
_INSTRUCTION_SETS = "instruction-sets"
"""Of the cache: what was built to find out what can be."""
_AT_WORK = "compiling-"
"""With the number of a process: it is filling the folder."""
_BUILT = {".so", ".cubin", ".hsaco", ".spv", ".dylib", ".pyd"}
Begin = Literal["cold", "cached", "partly"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What compiling a step took.

    Parameters
    ----------
    begin : {"cold", "cached", "partly"}
        Whether nothing, all, or a part was in the cache (another process was filling it, or code was changed that the
        folder's name does not tell).
    graphs : int
        Compiled.
    took_s : float
        Seconds in this run.
    cold_s : float
        Seconds when nothing was in the cache; of ``"partly"`` at least.
    """

    begin: Begin
    graphs: int
    took_s: float
    cold_s: float


def compiler_folder(model: nn.Module, calls: Sequence[Call], settings: Mapping[str, Any], context: Context) -> Path:
    """Return the folder in which the compiler keeps its files for this ``model``; private, and made if need be.

    It is named by what is compiled (classes, their code, shapes and types, settings) and by what compiles it, never by
    the weights: a model that was trained on finds what was compiled before. Only the time that it took is told by this
    name; what is reused is the compiler's own to decide.
    """
    if context.cache is None:
        return context.file("inductor", lambda part: part.mkdir(mode=0o700))
    parts = (
        torch.__version__,
        context.hardware.fingerprint,
        torch.get_num_threads(),
        sorted((key, repr(value)) for key, value in settings.items() if key != "compile_threads"),
        [call.shapes for call in calls],
        list(_made_of(model)),
    )
    folder = context.cache / hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def prepare(folder: Path, context: Context, work: Callable[[], int]) -> Prepared:
    """Run ``work``, which compiles and returns the number of graphs, and note what it took.

    What the cache spared counts as preparation all the same: ``context`` is told. What is found out of the processor
    does not: it is the same for every model.

    Raises
    ------
    CandidateFailed
        When it was not prepared and this process may only load.
    """
    found: list[Prepared] = []
    if context.cache is not None and context.hardware.device == "cpu":
        find_instruction_sets(context.cache / _INSTRUCTION_SETS)

    def build(part: Path) -> None:
        found.append(_timed(folder, work))
        part.write_text(json.dumps(asdict(found[0])), encoding="utf-8")

    file = context.file(FACTS, build)
    if not found:  # another process did it: this one loads
        work()
        return Prepared(**json.loads(file.read_text(encoding="utf-8")))
    context.spared_s.append(max(0.0, found[0].cold_s - found[0].took_s))
    return found[0]


def prepared_before(context: Context) -> Prepared | None:
    """Return what compiling this step took; None where it was not compiled."""
    file = context.folder / FACTS
    return Prepared(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


def _timed(folder: Path, work: Callable[[], int]) -> Prepared:
    _clear_what_was_left(folder)
    known_s, before, start = _cold_s(folder), _built(folder), time.perf_counter()
    mark = folder / f"{_AT_WORK}{os.getpid()}"
    mark.touch()
    try:
        graphs = work()
    finally:
        mark.unlink(missing_ok=True)
    took_s = time.perf_counter() - start
    new = bool(_built(folder) - before)
    if known_s is not None and not new:
        return Prepared("cached", graphs, took_s, max(known_s, took_s))
    begin: Begin = "partly" if before else "cold"
    cold_s = max(took_s, known_s or 0.0)
    part = folder / f"part-{_COLD}"
    part.write_text(json.dumps({"seconds": cold_s}), encoding="utf-8")
    part.replace(folder / _COLD)
    return Prepared(begin, graphs, took_s, cold_s)


def _clear_what_was_left(folder: Path) -> None:
    """Remove what a process left that was stopped before it was done: with it nobody could tell what cold takes."""
    at_work = [path.name.removeprefix(_AT_WORK) for path in folder.glob(f"{_AT_WORK}*")]
    if _cold_s(folder) is None and not any(pid.isdigit() and psutil.pid_exists(int(pid)) for pid in at_work):
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _cold_s(folder: Path) -> float | None:
    with suppress(OSError, ValueError, KeyError, TypeError):  # half written, or by another version
        return float(json.loads((folder / _COLD).read_text(encoding="utf-8"))["seconds"])
    return None


def _built(folder: Path) -> frozenset[Path]:
    return frozenset(path for path in folder.rglob("*") if path.suffix in _BUILT)


def _made_of(model: nn.Module) -> Iterator[tuple[Any, ...]]:
    """Yield what each module is: its class, the code it runs, and the shapes and types of its tensors."""
    for path, module in model.named_modules():
        tensors = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        shapes = [(name, tuple(tensor.shape), str(tensor.dtype), str(tensor.device)) for name, tensor in tensors]
        yield path, type(module).__qualname__, _code(getattr(type(module).forward, "__code__", None)), shapes


def _code(code: CodeType | None) -> Any:
    """Return what a function does, without where it stands: a notebook's cells have another file each time."""
    if code is None:
        return None
    constants = [_code(value) if isinstance(value, CodeType) else repr(value) for value in code.co_consts]
    return code.co_code, code.co_names, constants
