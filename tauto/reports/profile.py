"""Where time and memory go in a cell or a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tauto.reports.report import Report

__all__ = ["Bound", "Finding", "ModuleRow", "OperatorRow", "ProfileReport", "RootModel"]

Bound = Literal["compute", "memory", "overhead"]


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
