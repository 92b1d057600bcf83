"""Where the candidates of one workload are tried: its file, its processes, and the original's own figures."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tauto.errors import ModelError, NotExportable, TautoError, TrialFailed
from tauto.execution import Job, Outcome, compiler_cache, executor, new_workspace, save_workload
from tauto.execution.resident import ResidentModule
from tauto.hardware import Hardware, Held
from tauto.recipes import OptimizedModel, Recipe, build, placed
from tauto.reports import Agreement, ChannelMap, Comparison, Memory
from tauto.techniques import SHARED, Context
from tauto.tuning.crew import Crew
from tauto.tuning.payload import Payload, techniques_of_others
from tauto.tuning.trial_progress import last_progress
from tauto.tuning.watched import Tick, run_watched
from tauto.workload import Workload
from tauto.workload.state import preserved_rng

__all__ = ["Attempt", "Baseline", "Bench"]

AGAIN_SHARE = 0.05
"""Of the time there is: an evaluation that takes more is not repeated to see whether its figures move."""
_FREE = Held()


@dataclass(frozen=True, slots=True)
class Baseline:
    """The original's own figures, from a process of its own."""

    metrics: dict[str, float] | None
    call_s: float
    wall_s: float
    """Loading the weights, running and evaluating once, without starting the process."""
    again: dict[str, float] | None = None
    """The metrics of a second evaluation, under another seed; None where the first took long."""
    restless: str = ""
    """How the original answers the same call another time, in words; empty where it answers alike."""
    samples: int | None = None
    """That ``evaluate`` called the model with; None when it was not seen to call it."""

    @property
    def moved(self) -> bool:
        """Whether the metrics were others when they were asked for a second time."""
        return self.again is not None and self.again != self.metrics


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of trying one recipe: a comparison, a rejection before timing, or a failure."""

    wall_s: float
    comparison: Comparison | None = None
    rejected: str | None = None
    failure: str | None = None
    stopped_after_s: float | None = None
    """The limit that ended it; None where it ended by itself."""
    cut_off: bool = False
    """Whether it was stopped, killed or crashed: what it had trained may be gone on with."""
    agreement: Agreement | None = None
    """Of the outputs, where it was rejected for these."""
    preparation_s: float | None = None
    peak_preparing_bytes: int | None = None
    overhead_s: float | None = None
    not_exportable: bool = False
    """Whether it failed because the model cannot be exported."""
    output_tail: str = ""
    summary: str = ""
    """A few words on what the recipe did, to stand before the speed."""
    notes: tuple[str, ...] = ()


class Bench:
    """Tries recipes on one workload, each in a fresh process.

    Parameters
    ----------
    workload : Workload
        Sent once, with the baseline, as a file that each trial maps privately.
    hardware : Hardware
        This machine.
    held : Held
        What each process is held to, so that this machine stands in for another.
    seed : int
        Seed of every preparation.
    trainings : Path, optional
        Folder that trainings are taken up from, and that outlives the search. Without it, what a trial had trained
        when it was cut off is there for the trials after it.
    """

    def __init__(
        self,
        workload: Workload,
        hardware: Hardware,
        held: Held = _FREE,
        seed: int = 0,
        trainings: Path | None = None,
    ) -> None:
        self.workload = workload
        self.hardware = hardware
        self.held = held
        self.seed = seed
        self.trainings = trainings
        self.workspace = new_workspace()
        self.cache = compiler_cache()
        self._payload = self.workspace.path / "workload.pt"
        self._reference = self.workspace.path / "reference.pt"
        self._trainings = self.workspace.path / "trainings"
        self._baseline: Baseline | None = None
        self._original_bytes: int | str = "not measured yet"
        self._crew: Crew | None = None

    def work_together(self, crew: Crew | None) -> None:
        """Run what is asked for from several threads beside each other; None: alone again."""
        self._crew = crew

    @property
    def baseline(self) -> Baseline:
        """The original's figures; :meth:`measure_baseline` comes first."""
        if self._baseline is None:
            raise TrialFailed("the original has not been measured yet")
        return self._baseline

    @property
    def quality_rule(self) -> str:
        """What decides whether the quality holds, in words, with what the original's own outputs leave of it."""
        rule = self.workload.quality_rule
        if self._baseline is None or not self._baseline.restless:
            return rule
        change = f"the original's outputs change from call to call ({self._baseline.restless})"
        if self.workload.evaluate is not None:
            return f"{rule}; {change}, and are not compared"
        return f"quality unproved: {change}, so that they prove nothing; give evaluate"

    def measure_baseline(self, wall_limit_s: float | None = None, tick: Tick = lambda: None) -> Baseline:
        """Send the workload; run, time and evaluate the original in a process of its own.

        Raises
        ------
        ModelError, EvaluateError, InvalidArgument
            What the model or ``evaluate`` said of these inputs.
        TrialFailed
            When the process ended otherwise (a crash, a limit).
        """
        executor().warm()  # the server imports while the weights are written
        save_workload(Payload(self.workload, techniques_of_others()), self._payload)
        arguments = {"again_within_s": AGAIN_SHARE * (3600.0 if wall_limit_s is None else wall_limit_s)}
        outcome = self._run("baseline", arguments, wall_limit_s, tick)
        if outcome.failure is not None:
            error = outcome.failure.to_exception()
            if isinstance(error, TautoError) and not isinstance(error, TrialFailed):
                raise error
            if outcome.failure.kind == "raised":
                raise ModelError(f"model: it could not be run in a trial: {outcome.failure.reason}")
            raise TrialFailed(f"the original could not be run in a trial: {outcome.failure.reason}")
        result = outcome.result
        executor().preload(result["libraries"])
        # what starting took is once: the server imports torch before its first process
        self._baseline = Baseline(
            metrics=result["metrics"],
            call_s=result["call_s"],
            wall_s=outcome.wall_s - (outcome.startup_s or 0.0) - result["again_s"],
            again=result["again"],
            restless=result["restless"],
            samples=result["samples"],
        )
        return self._baseline

    def attempt(
        self,
        recipe: Recipe,
        *,
        wall_limit_s: float,
        time_cap_s: float,
        give_up_below: float | None = None,
        with_memory: bool = False,
        tick: Tick = lambda: None,
    ) -> Attempt:
        """Prepare ``recipe`` in a fresh process and compare it with the original there; on demand its memory, too."""
        arguments = {
            "time_cap_s": time_cap_s,
            "give_up_below": give_up_below,
            "may_prepare": True,
            "trainings": str(self.trainings or self._trainings),
            "told": str(self._told(recipe)),
        }
        self._told(recipe).unlink(missing_ok=True)
        start = time.monotonic()
        attempt = self._attempt(recipe, arguments, wall_limit_s, tick)
        if not with_memory or attempt.comparison is None:
            return attempt
        comparison = self._with_memories(
            recipe, attempt.comparison, attempt.peak_preparing_bytes, start + wall_limit_s, tick
        )
        return replace(attempt, comparison=comparison, wall_s=time.monotonic() - start)

    def confirm(
        self, recipe: Recipe, *, wall_limit_s: float, time_cap_s: float, tried: Attempt, tick: Tick = lambda: None
    ) -> Attempt:
        """Load what ``recipe`` prepared in a fresh process, compare once more, and measure both memories."""
        arguments = {
            "time_cap_s": time_cap_s,
            "give_up_below": None,
            "may_prepare": False,
            "preparation_s": tried.preparation_s,
        }
        start = time.monotonic()
        attempt = self._attempt(recipe, arguments, wall_limit_s, tick)
        if attempt.comparison is None:
            return attempt
        comparison = self._with_memories(
            recipe, attempt.comparison, tried.peak_preparing_bytes, start + wall_limit_s, tick
        )
        return replace(attempt, comparison=comparison)

    def load(self, recipe: Recipe) -> OptimizedModel:
        """Load what ``recipe`` prepared into this process; its files live as long as the model."""
        model = build(recipe, self.workload, self._context)
        model.files = self.workspace
        for file in (self._payload, self._reference):  # needed by trials alone
            file.unlink(missing_ok=True)
        self._remove_others(recipe)
        return model

    def channels(self, recipe: Recipe) -> tuple[ChannelMap, ...]:
        """Return which channels stayed of what ``recipe`` pruned, as its files tell."""
        told = [step.technique.account(step.config, here) for step, here in placed(recipe, self._context)]
        return tuple(channel for account in told for channel in account.channels)

    def resident(self, recipe: Recipe, ready_within_s: float) -> OptimizedModel:
        """Load what ``recipe`` prepared into a child that stays, behind the same ``forward``."""
        with preserved_rng(), torch.inference_mode():
            like = self.workload.example(self.workload.copy_model())
        arguments = self._arguments(recipe)
        resident = ResidentModule(
            "tauto.tuning.trial:resident", arguments, self.workspace, like=like, ready_within_s=ready_within_s
        )
        self._remove_others(recipe)
        return OptimizedModel(resident, recipe, self.workload.model)

    def training_of(self, recipe: Recipe) -> tuple[str, float | None]:
        """Return how far the training is in the attempt at ``recipe``, in words, and the seconds that it had left."""
        return last_progress(self._told(recipe))

    def _told(self, recipe: Recipe) -> Path:
        return self.workspace.path / f"{recipe.digest}.told"

    def discard(self, recipe: Recipe, kept: Iterable[Recipe] = ()) -> None:
        """Remove what the last step of ``recipe`` prepared, unless one of ``kept`` uses it: it will not be loaded."""
        if not any(recipe.digest in other.digests for other in kept):
            shutil.rmtree(self._context.folder / recipe.digest, ignore_errors=True)

    def _remove_others(self, recipe: Recipe) -> None:
        """Remove what trials prepared and ``recipe`` does not load."""
        used = set(recipe.digests)
        shutil.rmtree(self._trainings, ignore_errors=True)
        for folder in self._context.folder.glob("*"):
            shutil.rmtree(folder / SHARED if folder.name in used else folder, ignore_errors=True)

    def _attempt(self, recipe: Recipe, arguments: dict[str, Any], wall_limit_s: float, tick: Tick) -> Attempt:
        judged = {
            "metrics": self.baseline.metrics,
            "restless": self.baseline.restless,
            "quality_rule": self.quality_rule,
        }
        everything = {**self._arguments(recipe), **arguments, **judged}
        outcome = self._run("attempt", everything, wall_limit_s, tick)
        if outcome.failure is not None:
            return Attempt(
                failure=outcome.failure.reason,
                stopped_after_s=wall_limit_s if outcome.failure.kind == "timed_out" else None,
                cut_off=outcome.failure.kind not in {"refused", "raised"},
                wall_s=outcome.wall_s,
                not_exportable=outcome.failure.error == NotExportable.__name__,
                output_tail=outcome.output_tail,
            )
        result = outcome.result
        comparison, agreement = result.pop("comparison"), result.pop("agreement")
        return Attempt(
            agreement=Agreement(**agreement) if agreement else None,
            comparison=Comparison.from_dict(comparison) if comparison else None,
            notes=tuple(result.pop("notes")),
            wall_s=outcome.wall_s,
            overhead_s=max(0.0, outcome.wall_s - result.pop("working_s")),
            **result,
        )

    def _with_memories(
        self, recipe: Recipe, comparison: Comparison, peak: int | None, until: float, tick: Tick
    ) -> Comparison:
        """Return ``comparison`` with the memories of both sides; the original's is measured once."""
        if not isinstance(self._original_bytes, int):
            self._original_bytes = self._steady_bytes(Recipe(()), until - time.monotonic(), tick)
        steady = [self._original_bytes, self._steady_bytes(recipe, until - time.monotonic(), tick)]
        return _with_memory(comparison, steady, peak)

    def _steady_bytes(self, recipe: Recipe, wall_limit_s: float, tick: Tick) -> int | str:
        """Return the steady private memory of ``recipe`` alone in a fresh process, or why it is not known."""
        if wall_limit_s < 1.0:
            return "the budget left no time to measure it"
        outcome = self._run("memory", self._arguments(recipe), wall_limit_s, tick)
        if outcome.failure is not None:
            return outcome.failure.reason
        return int(outcome.result)

    def _arguments(self, recipe: Recipe) -> dict[str, Any]:
        folder = str(self._context.folder)
        common = {"payload": str(self._payload), "seed": self.seed, "cache": str(self.cache)}
        return {**common, "recipe": recipe.to_dict(), "folder": folder}

    @property
    def _context(self) -> Context:
        return Context(self.workspace.path / "steps", self.hardware, self.seed, may_prepare=False, cache=self.cache)

    def ask(self, function: str, wall_limit_s: float, tick: Tick = lambda: None, **arguments: Any) -> Outcome:
        """Run ``function``, such as ``package.module:name``, on the workload's file in a process of its own."""
        return self._start(function, {"payload": str(self._payload), **arguments}, wall_limit_s, tick)

    def _run(self, function: str, arguments: dict[str, Any], wall_limit_s: float | None, tick: Tick) -> Outcome:
        common = {"payload": str(self._payload), "reference": str(self._reference)}
        return self._start(f"tauto.tuning.trial:{function}", {**common, **arguments}, wall_limit_s, tick)

    def _start(self, function: str, arguments: dict[str, Any], wall_limit_s: float | None, tick: Tick) -> Outcome:
        folder = self.workspace.folder(function.partition(":")[2])
        held, crew = self.held, self._crew
        if crew is not None and function == "tauto.tuning.trial:attempt":
            arguments = {**arguments, "turn": str(folder)}
        job = Job(function, arguments, folder, wall_limit_s, held.memory_bytes, env=held.env, cores=held.cores)
        return run_watched(job, tick) if crew is None else crew.run(job, tick)


def _with_memory(comparison: Comparison, steady: list[int | str], peak: int | None) -> Comparison:
    """Return ``comparison`` with the memories of both sides, each measured alone in a process."""
    original, optimized = (_memory(item) for item in steady)
    optimized = replace(optimized, peak_preparing_bytes=peak)
    ratio = None
    if original.steady_bytes and optimized.steady_bytes:
        ratio = optimized.steady_bytes / original.steady_bytes
    return replace(
        comparison,
        original=replace(comparison.original, memory=original),
        optimized=replace(comparison.optimized, memory=optimized),
        memory_ratio=ratio,
    )


def _memory(steady: int | str) -> Memory:
    return Memory(steady, None) if isinstance(steady, int) else Memory(None, None, steady)
