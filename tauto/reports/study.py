"""A search for hyperparameters: its trials, and which knobs mattered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from tauto.reports.report import Report

__all__ = ["StudyGoal", "StudyKnob", "StudyReport", "StudyTrial"]


@dataclass(frozen=True, slots=True)
class StudyGoal:
    """One figure that is optimized."""

    name: str
    direction: Literal["maximize", "minimize"]


@dataclass(frozen=True, slots=True)
class StudyKnob:
    """One hyperparameter."""

    name: str
    values: str
    """What it may be, in words."""
    log: bool
    """Whether it is drawn by ratios."""
    importance: float | None
    """Its share, 0 to 1, of what tells the good trials from the others: an estimate. None with too few trials."""


@dataclass(frozen=True, slots=True)
class StudyTrial:
    """One trial."""

    number: int
    state: Literal["complete", "stopped_early", "failed", "interrupted", "running", "waiting"]
    params: dict[str, Any]
    values: tuple[float, ...] = ()
    """Of each goal, the mean over the seeds; empty when it did not come to its end."""
    figures: dict[str, float] | None = None
    """All that the objective returned, by name."""
    over: dict[str, float] | None = None
    """By how much each constraint is broken; 0 or less where it is kept."""
    by_seed: tuple[float, ...] = ()
    """The first goal's figure under each seed."""
    reason: str = ""
    """Why there is no value."""
    seconds: float | None = None
    step: int | None = None
    """The last that it reported."""
    drawn_at_random: bool = False
    machine: str = ""
    """Fingerprint of the machine that it ran on."""

    @property
    def feasible(self) -> bool:
        """Whether it has a value and breaks no constraint."""
        return self.state == "complete" and all(value <= 0 for value in (self.over or {}).values())


@dataclass(frozen=True, slots=True)
class StudyReport(Report):
    """A study of hyperparameters, as it stands."""

    kind: ClassVar[str] = "study"

    name: str
    subject: str
    """What is tuned."""
    storage: str
    """Where the study is kept, without a password."""
    goals: tuple[StudyGoal, ...]
    constraints: tuple[str, ...]
    knobs: tuple[StudyKnob, ...]
    trials: tuple[StudyTrial, ...]
    best: int | None
    """Number of the best trial that breaks no constraint; None for several goals, or where there is none."""
    front: tuple[int, ...]
    """Of several goals, the trials that no other beats in all."""
    nearest: int | None
    """Where no trial keeps the constraints, the one that breaks them least."""
    random_best: tuple[float, ...]
    """What random search is expected to have found after 1, 2 … trials: an estimate from those drawn at random."""
    stopped: str
    """Why the search ended."""
    earlier: int
    """Trials that had ended before this search began."""
    sampler: str = ""
    pruner: str = ""
    importance_by: str = ""
    """The method by which importances are estimated."""
    seeds: int = 1
    budget_s: float | None = None
    wanted: int | None = None
    """Trials that were asked for."""
    wall_s: float = 0.0
    notes: tuple[str, ...] = ()
    machine: str = ""
    fingerprint: str = ""
    machines: dict[str, str] = field(default_factory=dict)
    """Every machine that ran a trial, by its fingerprint."""
    interrupted: bool = False
    broken: bool = False
    """Whether the storage or this machine failed, so that the search ended before its time."""

    def trial(self, number: int) -> StudyTrial:
        """Return the trial of this number."""
        return next(one for one in self.trials if one.number == number)
