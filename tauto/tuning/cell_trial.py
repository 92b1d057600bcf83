"""What a trial of a fix does in its own process: run the cell, again and again, as far as the kernel asks."""

from __future__ import annotations

import builtins
import linecache
import random
import time
from contextlib import nullcontext
from multiprocessing.connection import Listener
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor

from tauto.execution import load
from tauto.execution.memory import private_bytes as private_bytes_of
from tauto.measurement import PrivateMemory, keep_freed_memory
from tauto.reports.fix import FixUnit
from tauto.tuning.cell_guard import Scratch
from tauto.tuning.cell_watch import Gate, watching
from tauto.tuning.fixes import CellFix, Targets, fix_of
from tauto.workload.cell import CELL_FILE

__all__ = ["FEWEST_STEPS", "run"]

FEWEST_STEPS = 4
"""A cell with fewer steps is timed as a whole."""


def run(
    payload: str,
    folder: str,
    address: str,
    key: str,
    unit: FixUnit,
    fix: dict[str, Any] | None,
    apart: bool,
    seed: int,
) -> None:
    """Run the cell of ``payload`` until the kernel hangs up, with the ``fix`` (its action, target and options)."""
    if fix is None or fix["action"] != "keep_freed_memory":
        keep_freed_memory()  # as in a kernel that has lived for long
    with Listener(address, authkey=bytes.fromhex(key)) as listener, listener.accept() as connection:
        if not hasattr(builtins, "display"):
            builtins.display = print  # type: ignore[attr-defined]  # IPython's, in a notebook
        trial = _Trial(Path(payload), unit, fix, apart, seed)
        trial.scratch = Scratch(Path(folder) / "written", Path(folder).parent)
        trial.scratch.install()
        gate = trial.gate = Gate(connection, trial.describe)
        try:
            gate.open()
            while True:
                trial.run_once()
        except EOFError:  # the kernel has hung up
            return


class _Trial:
    """One side of the trial, over all its runs of the cell."""

    gate: Gate
    scratch: Scratch

    def __init__(self, payload: Path, unit: FixUnit, fix: dict[str, Any] | None, apart: bool, seed: int) -> None:
        self._payload, self._unit, self._fix, self._apart, self._seed = payload, unit, fix, apart, seed
        self._losses: list[Tensor] = []
        self._memory = PrivateMemory()
        self._metering = False
        self._running: CellFix | None = None
        self._engaged, self._notes = 0, list[str]()

    def run_once(self) -> None:
        """Run the cell once on a fresh copy of its names."""
        names, code, self._running = self._load()
        if not self._metering:
            self._memory.__enter__()
            self._metering = True
        gate, whole = self.gate, self._unit == "run of the cell"
        gate.run_begins()
        began = time.perf_counter_ns()
        fix = self._running
        around = fix.around_run() if fix is not None else nullcontext()
        with around, watching(self._unit, gate.step_ends, fix, self._losses, apart=self._apart):
            exec(code, names)
        if whole:
            gate.whole_run_ends(time.perf_counter_ns() - began)
        elif gate.counted < FEWEST_STEPS:
            gate.tell(short=gate.counted)
        self._collect()

    def describe(self) -> dict[str, Any]:
        """Return what is told beside the times; ``refused`` when the fix changed nothing so far."""
        self._collect()
        if self._running is not None and not self._engaged:
            return {"refused": f"there was nothing to change: {self._running.nothing}"}
        loss = float(self._losses[0].float().mean()) if self._losses else None
        written = ", ".join(sorted({Path(name).name for name in self.scratch.moved})[:5])
        kept = [f"What the cell writes went to a folder of the trial: {written}."] if written else []
        return {"peak_bytes": self._peak_bytes(), "loss": loss, "notes": self._notes + kept}

    def _load(self) -> tuple[dict[str, Any], CodeType, CellFix | None]:
        packed = load(self._payload)
        names: dict[str, Any] = packed["the cell"].__globals__
        names.setdefault("__builtins__", builtins)
        names["__name__"] = "__main__"
        source = packed["source"]
        linecache.cache[CELL_FILE] = (len(source), None, source.splitlines(keepends=True), CELL_FILE)
        random.seed(self._seed)
        np.random.seed(self._seed % 2**32)
        torch.manual_seed(self._seed)
        fix = None
        if self._fix is not None:
            targets = Targets(self._fix["target"], names)
            fix = fix_of(self._fix["action"], targets, self._fix["options"])
        return names, compile(source, CELL_FILE, "exec", dont_inherit=True), fix

    def _collect(self) -> None:
        if self._running is not None:
            self._engaged += self._running.engaged
            self._notes = self._notes or self._running.notes
            self._running.engaged = 0

    def _peak_bytes(self) -> int:
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            return int(torch.cuda.max_memory_allocated())
        me = psutil.Process()
        workers = [process.pid for process in me.children(recursive=True)]
        beside = private_bytes_of([me.pid, *workers]) - private_bytes_of([me.pid]) if workers else 0
        return self._memory.peak_bytes + max(beside, 0)
