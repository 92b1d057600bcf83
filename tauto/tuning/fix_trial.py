"""A cell as it is and with a fix, each in a process of its own, run alternately step by step."""

from __future__ import annotations

import json
import math
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from torch.utils.data import DataLoader

from tauto.config import time_in_words
from tauto.errors import TrialFailed
from tauto.events import Progress, emit
from tauto.execution import Job, RunningJob, Workspace, executor, new_workspace, save_workload
from tauto.execution.addresses import connect, free_socket, new_socket
from tauto.interrupts import held_interrupts
from tauto.measurement import PairTiming
from tauto.measurement.blocks import latency_of
from tauto.measurement.sequential import SequentialRatio, Stop
from tauto.measurement.statistics import RatioEstimate, bootstrap_ratio_interval
from tauto.measurement.timing import HALF_WIDTH, orders
from tauto.reports.fix import FixSide, FixUnit
from tauto.reports.measurement import Latency
from tauto.reports.profile import Fix
from tauto.tuning.budget import Budget
from tauto.workload.cell import Cell

__all__ = ["FixFailed", "FixStopped", "FixTrial", "Measured"]

BLOCK_S = 0.08
LONG_STEP_S = 0.1
"""Steps as long as this are timed one by one, and need none before them to settle."""
SETTLE_S = 0.03
WARM_STEPS = 3
START_SHARE = 0.75
"""Of the time left, in which one side must have ended its first steps: a compiler may be at work."""
LEAST_START_S = 5.0
WANTED_PAIRS = 12
FEWEST_PAIRS = 3
"""Where the time is up before eight pairs, so many still give an interval, a wide one."""
CAUTIOUS = 0.99
KEPT_S = 1.0
"""Of the budget, for ending the processes."""
_TORCHS_OWN = ("torch._dynamo",)
"""Imported by the first step of any optimizer, which takes a second or two."""
_WAY = "Make it in the cell itself, or take it out of the cell."


class FixFailed(Exception):
    """The cell did not run with the fix; not the original's fault, and so an outcome."""


class FixStopped(Exception):
    """The user stopped the trial: what had been measured by then, if it is enough to compare, and what had not."""

    def __init__(self, measured: Measured | None, words: str) -> None:
        super().__init__(words)
        self.measured = measured


class _Short(Exception):
    """The cell has too few steps to time one: time it as a whole."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a trial measured."""

    timing: PairTiming
    original: FixSide
    fixed: FixSide
    unit: FixUnit
    notes: tuple[str, ...]


@dataclass(slots=True)
class FixTrial:
    """One trial of one fix.

    Parameters
    ----------
    cell : Cell
        Sent to the processes; the user's own names are only read.
    fix : Fix
        Of the closed set, but no recipe.
    unit : str
        What counts as a step; a cell with few of them is timed as a whole.
    budget_s : float
        Hard limit of the time that :meth:`run` takes.
    seed : int
        Of both processes and of the order of blocks.
    """

    cell: Cell
    fix: Fix
    unit: FixUnit
    budget_s: float
    seed: int = 0
    budget: Budget = field(init=False)
    _workspace: Workspace = field(default_factory=new_workspace)
    _sides: tuple[_Side, ...] = ()
    _pairs: _Pairs | None = None

    def prepare(self) -> None:
        """Wait until trials can start: the first of a session waits for the imports of the fork server.

        Raises
        ------
        TrialFailed
            When no process can be started.
        """
        try:
            executor().preload(_TORCHS_OWN)
            outcome = executor().run(Job("os:getpid", {}, self._workspace.folder("first")))
        except BaseException:
            self._workspace.close()
            raise
        if outcome.failure is not None:
            self._workspace.close()
            raise TrialFailed(f"no process could be started for the trial: it {outcome.failure.reason}")

    def run(self) -> Measured:
        """Run both sides until the speedup is known or the time is up.

        Raises
        ------
        NotTransferable
            When a name that the cell reads cannot be sent.
        FixFailed
            When the cell does not run with the fix.
        TrialFailed
            When the cell does not run again as it is, or its steps are too long for the budget.
        FixStopped
            When the user stops it. No process of it is left.
        """
        self.budget = Budget(self.budget_s)
        payload = self._workspace.path / "cell.pt"
        try:
            carrier = self.cell.carrier(self.fix.target.partition(".")[0])
            save_workload({"the cell": carrier, "source": self.cell.source}, payload, way=_WAY)
            try:
                return self._timed(payload, self.unit)
            except _Short:
                return self._timed(payload, "run of the cell")
        except KeyboardInterrupt:
            raise self._stopped() from None
        finally:
            with held_interrupts():
                self._workspace.close()

    def _timed(self, payload: Path, unit: FixUnit) -> Measured:
        with self._side(payload, unit, None) as original, self._side(payload, unit, self.fix) as fixed:
            sides = self._sides = (original, fixed)
            step_s = []
            for side in sides:
                self._tell(f"starting the cell {side.words}", 0.1)
                left_s = self.budget.left_s
                step_s.append(side.warm_up(max(START_SHARE * left_s, min(left_s, LEAST_START_S))))
            plan = _plan(step_s, self.budget.left_s, self._workers())
            pairs = self._pairs = _Pairs(sides, plan, self.budget, self.seed, unit)
            pairs.run(lambda done: self._tell("timing both, in turn", done))
            ends = [side.finish() for side in sides]
        made = [
            FixSide(latency, side.warm_up_ms, end["peak_bytes"], _finite(end["loss"]))
            for side, end, latency in zip(sides, ends, (pairs.timing.a, pairs.timing.b), strict=True)
        ]
        return Measured(pairs.timing, made[0], made[1], unit, tuple(ends[1]["notes"]))

    def _stopped(self) -> FixStopped:
        """Return what is known when the user stops the trial, in figures if they can be compared, else in words."""
        pairs = self._pairs
        if pairs is not None and pairs.count >= FEWEST_PAIRS:
            pairs.conclude()
            one, other = self._sides
            timing = pairs.timing
            measured = Measured(
                timing,
                FixSide(timing.a, one.warm_up_ms, None, None),
                FixSide(timing.b, other.warm_up_ms, None, None),
                pairs.unit,
                ("It was stopped: peak memory and the loss were not read.",),
            )
            return FixStopped(measured, "the peaks were not read")
        ran = [side for side in self._sides if side.warm_up_ms]
        if not ran:
            return FixStopped(None, "the cell had not ended its first steps, so that nothing was measured")
        took = " and ".join(f"{time_in_words(one.warm_up_ms / 1e3)} {one.words}" for one in ran)
        first = f"the first steps took {took}"
        if len(ran) == 1:
            return FixStopped(None, f"{first}; with the fix nothing was measured")
        blocks = pairs.count if pairs is not None else 0
        return FixStopped(None, f"{first}; {blocks} of at least {FEWEST_PAIRS} blocks on each side were timed")

    def _workers(self) -> int:
        """Return how many processes load batches, on the side that has more of them."""
        there = (value.num_workers for value in self.cell.names.values() if isinstance(value, DataLoader))
        return max(int(self.fix.options.get("num_workers", 0)), *there, 0)

    @contextmanager
    def _side(self, payload: Path, unit: FixUnit, fix: Fix | None) -> Iterator[_Side]:
        folder = self._workspace.folder("original" if fix is None else "fixed")
        address, key = new_socket(folder), secrets.token_hex(32)
        action = {"action": fix.action, "target": fix.target, "options": fix.options} if fix else None
        arguments = {
            "payload": str(payload),
            "folder": str(folder),
            "address": str(address),
            "key": key,
            "unit": unit,
            "fix": action,
            "apart": self.fix.action == "compile",
            "seed": self.seed,
        }
        job = Job("tauto.tuning.cell_trial:run", arguments, folder, self.budget.left_s + KEPT_S)
        side = _Side(job, address, bytes.fromhex(key), fixed=fix is not None, budget=self.budget)
        try:
            yield side
        finally:
            with held_interrupts():  # a second Ctrl-C must leave no process
                side.end()
                free_socket(address, folder)

    def _tell(self, message: str, done: float) -> None:
        emit(Progress("fix", message, min(done, 0.99), self.budget.left_s))


@dataclass(slots=True)
class _Side:
    """The process of one side: asleep, all its processes stopped, but while it runs a block."""

    job: Job
    address: Path
    key: bytes
    fixed: bool
    budget: Budget
    warm_up_ms: float = 0.0
    _began: float = 0.0
    _running: RunningJob | None = None
    _connection: Any = None

    @property
    def words(self) -> str:
        """Which side it is, in words."""
        return "with the fix" if self.fixed else "as it is"

    def warm_up(self, within_s: float) -> float:
        """Start the process, run the first steps, and return the seconds of a later one; then it sleeps."""
        until = self._waited_from(within_s)
        with held_interrupts():
            running = self._running = executor().start(self.job)
        self._connection = connect(self.address, self.key, lambda: running.alive, within_s)
        if self._connection is None:
            self._raise_end()
        first = self._ask({"settle": 0, "steps": 1}, until)
        self.warm_up_ms = first["since_begin_ns"] / 1e6
        second = self._ask({"settle": 0, "steps": WARM_STEPS if self._may_repeat(first, until) else 1}, until)
        if "refused" in (found := self._ask({"describe": True}, until)):
            raise FixFailed(str(found["refused"]))
        self._sleep()
        return float(second["elapsed_ns"] / 1e9 / second["steps"])

    def block(self, settle: int, steps: int) -> float:
        """Wake, run a block of steps, sleep again; return the seconds of a step."""
        self._signal("SIGCONT")
        answer = self._ask({"settle": settle, "steps": steps}, self._waited_from(self.budget.left_s))
        self._sleep()
        return float(answer["elapsed_ns"] / 1e9 / steps)

    def finish(self) -> dict[str, Any]:
        """Return what the process says at the end."""
        self._signal("SIGCONT")
        answer: dict[str, Any] = self._ask({"describe": True}, self._waited_from(max(self.budget.left_s, KEPT_S)))
        return answer

    def end(self) -> None:
        """End the process with all it started."""
        if self._connection is not None:
            self._connection.close()
        if self._running is not None:
            self._running.kill()

    def _waited_from(self, within_s: float) -> float:
        """Return until when an answer is waited for."""
        self._began = time.monotonic()
        return self._began + within_s

    def _may_repeat(self, answer: dict[str, Any], until: float) -> bool:
        return float(answer["elapsed_ns"]) / 1e9 * WARM_STEPS < (until - time.monotonic()) / 4

    def _ask(self, request: dict[str, Any], until: float) -> dict[str, Any]:
        try:
            self._connection.send_bytes(json.dumps(request).encode())
            while not self._connection.poll(0.2):
                if time.monotonic() > until:
                    self._raise_late()
            answer: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            self._raise_end()
        if "short" in answer:
            raise _Short
        return answer

    def _sleep(self) -> None:
        self._signal("SIGSTOP")

    def _signal(self, name: str) -> None:
        """Stop or continue the whole group, so that no worker of this side disturbs the other."""
        if sys.platform != "win32" and self._running is not None and self._running.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._running.pid, getattr(signal, name))

    def _raise_late(self) -> NoReturn:
        waited = time_in_words(time.monotonic() - self._began)
        if self.fixed:
            raise FixFailed(f"with the fix no further step ended within {waited}")
        raise TrialFailed(
            f"The cell, as it is, ended no further step within {waited}. Give a longer budget, or profile a cell with "
            "shorter steps."
        )

    def _raise_end(self) -> NoReturn:
        """Say why the process ended."""
        outcome = self._running.wait(timeout_s=5.0) if self._running is not None else None
        if outcome is None or (outcome.failure is not None and outcome.failure.kind == "timed_out"):
            self._raise_late()
        reason = "ended by itself" if outcome.failure is None else outcome.failure.reason
        if self.fixed:
            raise FixFailed(f"with the fix the cell {reason}")
        raise TrialFailed(f"The cell cannot be run again in a trial: as it is, it {reason}")


@dataclass(frozen=True, slots=True)
class _Plan:
    settle: int
    steps: int


def _plan(step_s: list[float], left_s: float, workers: int) -> _Plan:
    """Return how many steps a block has: the same of both sides, so that a pair covers the same steps.

    Workers that load batches end them in groups, and an item that a worker was waiting for has come when it wakes:
    so many steps pass untimed, and whole groups are timed.
    """
    fast, both = max(min(step_s), 1e-7), sum(step_s)
    if workers:
        groups = 2 if left_s > 3 * workers * both * WANTED_PAIRS else 1
        needed = math.ceil(BLOCK_S / fast / workers)
        return _Plan(workers, workers * max(groups, min(needed, int(left_s / 30 / both / workers))))
    if fast >= LONG_STEP_S:
        return _Plan(0, 1)
    affordable = max(1, int(left_s / 30 / both))  # thirty pairs at least, if there is time for them
    return _Plan(
        min(math.ceil(SETTLE_S / fast), max(1, affordable // 3)), min(max(2, math.ceil(BLOCK_S / fast)), affordable)
    )


class _Pairs:
    """Pairs of blocks, in random order, until enough is known."""

    timing: PairTiming

    def __init__(self, sides: tuple[_Side, _Side], plan: _Plan, budget: Budget, seed: int, unit: FixUnit) -> None:
        self._sides, self._plan, self._budget, self.unit = sides, plan, budget, unit
        self._random = np.random.default_rng(seed)
        self._blocks: tuple[list[float], list[float]] = ([], [])
        self._began = time.monotonic()
        self._ratio = SequentialRatio(HALF_WIDTH, None, self._random)

    @property
    def count(self) -> int:
        """How many pairs were timed."""
        return len(self._ratio)

    def run(self, tell: Callable[[float], None]) -> None:
        """Time pairs; :attr:`timing` is there afterwards."""
        ratio, stop = self._ratio, None
        total_s = self._budget.left_s
        order = orders(self._random)
        longest_s = 0.0
        while stop is None:
            began = time.monotonic()
            for side in next(order):
                self._blocks[side].append(self._sides[side].block(self._plan.settle, self._plan.steps))
            longest_s = max(longest_s, time.monotonic() - began)
            ratio.add(self._blocks[0][-1], self._blocks[1][-1])
            tell(0.2 + 0.8 * (1 - self._budget.left_s / total_s))
            late = self._budget.left_s < longest_s + KEPT_S
            stop = ratio.stop(out_of_time=late)
            if late and stop is None:
                break
        self._concluded(stop)

    def conclude(self) -> None:
        """End early with the pairs there are, three at least; :attr:`timing` is there afterwards."""
        for blocks in self._blocks:
            del blocks[self.count :]  # of a pair that was begun
        self._concluded(self._ratio.stop(out_of_time=True))

    def _concluded(self, stop: Stop | None) -> None:
        estimate = self._few() if stop is None else self._ratio.estimate
        self.timing = PairTiming(
            speedup=estimate.ratio,
            interval=estimate.interval,
            settled=stop == "settled",
            gave_up=False,
            a=self._latency(0),
            b=self._latency(1),
            wall_s=time.monotonic() - self._began,
        )

    def _few(self) -> RatioEstimate:
        one, other = (np.array(blocks) for blocks in self._blocks)
        if len(one) < FEWEST_PAIRS:
            raise TrialFailed(
                f"a step takes {time_in_words(one.mean())} as it is and {time_in_words(other.mean())} with the fix: "
                f"{time_in_words(self._budget.total_s)} are too short to compare them. Give a longer budget."
            )
        return bootstrap_ratio_interval(one, other, self._random, CAUTIOUS)

    def _latency(self, side: int) -> Latency:
        blocks = [np.array([seconds]) for seconds in self._blocks[side]]
        return replace(latency_of(blocks, 1), calls=len(blocks) * self._plan.steps)


def _finite(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else math.nan
