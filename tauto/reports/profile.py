"""Where time and memory go in a cell or a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tauto.reports.comparison import Interval, Verdict
from tauto.reports.machine import Ceiling
from tauto.reports.memory import MemoryTimeline
from tauto.reports.report import Report

__all__ = [
    "Bound",
    "Cause",
    "Finding",
    "Fix",
    "Gain",
    "LineRow",
    "ModuleRow",
    "OperatorRow",
    "Phase",
    "PhaseName",
    "ProfileReport",
    "RootModel",
    "Steps",
    "Tried",
    "Usage",
]

Bound = Literal["compute", "memory", "overhead"]
PhaseName = Literal["data", "forward", "loss", "backward", "optimizer", "other"]
Cause = Literal[
    "data", "mode", "overhead", "precision", "layout", "threads", "memory", "waste", "synchronisation", "seen"
]


@dataclass(frozen=True, slots=True)
class ModuleRow:
    """One module of the tree, in order of the tree.

    All figures are sums over the sampled calls of its root, forward only, the modules below included
    (``self_ms`` excepted). FLOPs count a multiply and an add as two. ``share_of_ceiling`` is achieved over
    measured ceiling of the resource that binds (None when it is not known).
    """

    path: str
    """Dotted path below the root model; empty for the root itself."""
    kind: str
    root: int
    """Index into :attr:`ProfileReport.roots`."""
    depth: int
    calls: int
    total_ms: float
    self_ms: float
    flops: int
    bytes_moved: int
    parameters: int
    parameter_bytes: int
    bound: Bound | None
    share_of_ceiling: float | None
    precision: str = "float32"
    """In which most of its FLOPs ran."""
    activation_bytes: int = 0
    """Still allocated when a call ended, mean of the calls: its output and what it keeps for the backward pass."""
    backward_ms: float | None = None
    """Of the backward pass through its operators, the modules below included; None when none was traced."""
    operators: dict[str, float] = field(default_factory=dict)
    """Milliseconds in its own operators by name, forward and backward, the modules below apart; the largest."""


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """One operator over the sampled steps; ``flops`` is None when TAuto does not count this operator."""

    name: str
    calls: int
    total_ms: float
    self_ms: float
    flops: int | None
    allocated_bytes: int


@dataclass(frozen=True, slots=True)
class RootModel:
    """A model that the cell called itself (not from inside another)."""

    name: str
    """Its name in the namespace when known, else its class."""
    kind: str
    calls: int
    total_ms: float
    parameters: int
    parameter_bytes: int
    shapes: tuple[str, ...]
    training: bool
    remembered_samples: int
    """Inputs kept, so that the next verbs need no ``inputs``."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of the cell's wall time. The phases are exact, of every step, and add up to the wall time."""

    name: PhaseName
    """``data`` is waiting for a DataLoader, ``loss`` what lies between the forward and its backward pass."""
    calls: int
    total_ms: float


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps that were found in the cell, and which of them were traced operator by operator."""

    unit: Literal["optimizer step", "model call"]
    count: int
    sampled: tuple[int, ...]
    """Numbers of the traced steps, the first is 1."""
    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of the user's code, and how often the thread of the cell was found there (sampled, not counted)."""

    file: str
    """Its name without the folder; ``cell [7]`` for a cell of a notebook, ``cell`` where its number is not known."""
    line: int
    source: str
    share: float
    """Of the time that all looks at the thread stand for."""
    phase: PhaseName
    waits_for_data: bool = False
    """Whether the line is the head of a ``for`` loop, whose iterator was at work."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Use of the machine along the cell: one entry a moment in each tuple."""

    times_ms: tuple[float, ...] = ()
    process_bytes: tuple[int, ...] = ()
    """Private memory of the process."""
    core_shares: tuple[tuple[float, ...], ...] = ()
    """Of each usable core, how busy it was, 0 to 1."""
    gpu_shares: tuple[float, ...] = ()
    """Empty without a GPU that says it."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What a fix is expected to bring, and how that was estimated. An estimate is not a gain."""

    speedup: float | None
    """Of the cell, or of the model in a cell that trains nothing; None when it cannot be estimated."""
    bytes_saved: int | None
    basis: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What ``result.apply(finding)`` does, as data.

    ``action`` is of a closed set (:mod:`tauto.profiling.fixes`); ``target`` names what it is done to in the namespace.
    """

    action: str
    target: str
    options: dict[str, bool | int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tried:
    """What a fix brought when it was measured here, against the original, interleaved."""

    verdict: Verdict
    speedup: float
    speedup_interval: Interval
    bytes_saved: int | None = None
    """Of the peak."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that holds the cell back: what, the evidence, and a line to run."""

    rule: str
    """Stable identifier, such as ``eval_missing``."""
    title: str
    evidence: str
    line: str
    """A magic line where there is one, else empty."""
    python: str
    """The plain Python that does the same."""
    cause: Cause = "seen"
    expected: Gain | None = None
    fix: Fix | None = None
    """None when only the user can change the code."""
    tried: Tried | None = None


@dataclass(frozen=True, slots=True)
class ProfileReport(Report):
    """Where time and memory go. Times of modules and operators are over the sampled calls only."""

    kind: ClassVar[str] = "profile"

    subject: str
    wall_ms: float
    outside_ms: float
    """Wall time outside any root model, its backward pass and the optimizer: data, printing, the loop itself."""
    root_calls: int
    sampled_calls: int
    """Root calls that were traced operator by operator; the others were timed only."""
    roots: tuple[RootModel, ...]
    modules: tuple[ModuleRow, ...]
    operators: tuple[OperatorRow, ...]
    uncounted: tuple[str, ...]
    """Operators whose FLOPs are not counted, with their share of operator time, such as ``aten::foo (3.2 %)``."""
    flops: int
    """Of one root call of the first root, as sampled."""
    peak_bytes: int | None
    """Highest private memory of the process while the cell ran."""
    allocated_bytes: int
    """Bytes that operators allocated over the sampled calls."""
    findings: tuple[Finding, ...]
    machine: str
    fingerprint: str
    device: str
    threads: int
    analysis_ms: float
    """Time of the analysis after the cell, not part of ``wall_ms``."""
    phases: tuple[Phase, ...] = ()
    steps: Steps | None = None
    lines: tuple[LineRow, ...] = ()
    """Where the thread of the cell was found, most often first."""
    usage: Usage = Usage()
    memory: MemoryTimeline | None = None
    ceilings: tuple[Ceiling, ...] = ()
    """Of the machine, as the shares were taken."""
