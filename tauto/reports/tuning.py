"""A search over recipes: every trial, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tauto.reports.comparison import Agreement, Comparison, Conditions
from tauto.reports.compilation import Compilation
from tauto.reports.pictures import ChannelMap, WeightPicture
from tauto.reports.quality_control import ControlReport, DropConfidence, KernelNote, ModelLayer
from tauto.reports.recipe import RecipeReport
from tauto.reports.report import Report

__all__ = [
    "Limit",
    "NotTried",
    "StudyNote",
    "TargetNote",
    "TrialReport",
    "TrialStatus",
    "TuningReport",
    "TuningVerdict",
]

TrialStatus = Literal["kept", "rejected", "failed", "skipped"]
TuningVerdict = Literal["improved", "kept_original", "infeasible", "applied", "estimated"]
"""``applied``: the recipe was asked for by name and is in place, though no better. ``estimated``: it is for a machine
that is not at hand, where nothing was timed."""


@dataclass(frozen=True, slots=True)
class TrialReport:
    """One recipe tried. ``reason`` says in words why it has its status."""

    number: int
    recipe: RecipeReport
    status: TrialStatus
    reason: str
    comparison: Comparison | None
    preparation_s: float | None
    wall_s: float
    overhead_s: float | None
    """Wall time that was neither preparing nor judging: starting the process and loading the weights."""
    output_tail: str = ""
    """The last lines that a failed trial printed."""
    notes: tuple[str, ...] = ()
    """What its steps did to this model, in sentences."""
    agreement: Agreement | None = None
    """Of the outputs, where it was rejected for these before it was timed."""
    stopped_after_s: float | None = None
    """The limit of time that ended it; None where it ended by itself."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure that had to be kept to: milliseconds, bytes, seconds, samples a second or a share, by its kind."""

    kind: Literal["speedup", "latency", "p95", "throughput", "memory", "size", "preparation", "relative_error"]
    value: float


@dataclass(frozen=True, slots=True)
class NotTried:
    """A technique that was not tried, why, and the line that would change it (may be empty)."""

    technique: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class TargetNote:
    """The machine that a search was for, where that is not simply this one."""

    name: str
    held: str
    """What this machine's trials were held to, so that it stood in; may be empty."""
    elsewhere: str
    """Why this machine could not stand in, so that speed is estimated; empty where it could."""
    command: str
    """Measures the winner there."""
    expected: float | None = None
    """Speedup of the winner that the rules expect there."""


@dataclass(frozen=True, slots=True)
class StudyNote:
    """The study in which a search kept its trials."""

    name: str
    storage: str
    """Without a password."""
    earlier: int = 0
    """Trials taken over from the search that it went on with."""
    trouble: str = ""
    """Why trials were not kept from some moment on."""
    elsewhere: int = 0
    """Trials of other machines that the study holds, too: nothing here is compared with them."""
    outdated: int = 0
    """Trials of this machine under other versions of what is installed: not taken over."""
    versions: str = ""
    """Those versions, such as ``torch 2.12.0``."""


@dataclass(frozen=True, slots=True)
class TuningReport(Report):
    """What ``autotune``, ``quantize`` and ``apply`` found."""

    kind: ClassVar[str] = "tuning"

    verb: str
    model: str
    verdict: TuningVerdict
    reason: str
    """Why the verdict is what it is, in one sentence with its numbers."""
    objective: Literal["latency", "throughput", "memory", "size"]
    quality_rule: str
    speed_only: bool
    """True when no quality could be judged, so that the result is about speed only."""
    conditions: Conditions
    trials: tuple[TrialReport, ...]
    winner: int | None
    """Number of the winning trial; None when the original was kept."""
    confirmed: Comparison | None
    """The winner against the original once more, in a fresh process that loaded it from its files."""
    not_tried: tuple[NotTried, ...]
    budget_s: float | None
    wall_s: float
    interrupted: bool = False
    before: tuple[KernelNote, ...] = ()
    """What int8 was not expected to make faster, told before any work."""
    control: tuple[ControlReport, ...] = ()
    """What quality control made of recipes that lost too much."""
    confidence: tuple[DropConfidence, ...] = ()
    """How sure the drops are of the winner, or else of what came nearest."""
    constraints: tuple[str, ...] = ()
    """What had to be kept to beside the quality, in words."""
    limits: tuple[Limit, ...] = ()
    """The same as figures, and how near the outputs must be where no ``evaluate`` judges."""
    nearest: int | None = None
    """Number of the trial that came nearest, where none kept to all that was asked."""
    original_nearest: bool = False
    """Whether none of the trials came as near as the original itself."""
    layers: tuple[ModelLayer, ...] = ()
    """The winner's layers beside the original's; empty when the original was kept."""
    pictures: tuple[WeightPicture, ...] = ()
    """The largest weights before and after, of a winner whose weights can be looked at."""
    channels: tuple[ChannelMap, ...] = ()
    """What the winner's pruning cut out, layer by layer."""
    ended: str = ""
    """Why the search ended before all was tried; empty when all was."""
    traits: tuple[str, ...] = ()
    """What kind of a model it is, in words."""
    target: TargetNote | None = None
    """The machine that it was for; None for this one."""
    study: StudyNote | None = None
    """Where its trials are kept; None where they are not."""
    workers: int = 1
    """Candidates that were prepared and judged side by side; each was timed alone."""
    compilation: Compilation | None = None
    """What the compiler met, where ``compile`` asked."""
