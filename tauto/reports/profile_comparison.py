"""What moved between two profiles, module by module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tauto.reports.profile import PhaseName
from tauto.reports.report import Report

__all__ = ["ModuleChange", "ModuleFigures", "PhaseChange", "ProfileComparison", "ProfileSide"]

Match = Literal["path", "moved", "replaced", "gone", "new"]


@dataclass(frozen=True, slots=True)
class ModuleFigures:
    """One module in one of the profiles, per call of its root model; the modules below included but for ``self_ms``."""

    path: str
    kind: str
    total_ms: float
    self_ms: float
    flops: float
    activation_bytes: int
    parameters: int
    root: str
    """What its root model is called."""
    backward_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ModuleChange:
    """One module before and after; None on the side where it is not.

    ``match`` says how the two were found to be one: the same ``path`` and kind; ``moved`` to another path, of the same
    kind; ``replaced`` by another kind at the same path (such as a fused one); else ``gone`` or ``new``.
    """

    name: str
    """Below the module above it; empty for a root model."""
    path: str
    """Dotted path in the profile after, or in the one before where it is gone."""
    kind: str
    depth: int
    before: ModuleFigures | None
    after: ModuleFigures | None
    match: Match

    @property
    def root(self) -> str:
        """What its root model is called, and what it was called before where that was another name."""
        names = dict.fromkeys(side.root for side in (self.before, self.after) if side is not None and side.root)
        return " → ".join(names)

    @property
    def moved_ms(self) -> float:
        """Change of its total time, below zero where it became faster."""
        return (self.after.total_ms if self.after else 0.0) - (self.before.total_ms if self.before else 0.0)

    @property
    def moved_self_ms(self) -> float:
        """Change of its own time: these add up to the change of the models."""
        return (self.after.self_ms if self.after else 0.0) - (self.before.self_ms if self.before else 0.0)


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """One phase before and after, per step where both profiles found steps, else of the whole cell."""

    name: PhaseName
    before_ms: float
    after_ms: float


@dataclass(frozen=True, slots=True)
class ProfileSide:
    """One of the two profiles as a whole."""

    subject: str
    wall_ms: float
    steps: int
    """0 when no steps were found."""
    call_ms: float
    """Of the models, per call: of the sampled ones, the models added up."""
    flops: float
    peak_bytes: int | None
    threads: int
    fingerprint: str
    shapes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileComparison(Report):
    """Two profiles side by side. They were not measured interleaved, so small changes may be the machine's."""

    kind: ClassVar[str] = "profile_comparison"

    before: ProfileSide
    after: ProfileSide
    modules: tuple[ModuleChange, ...]
    """In the order of the tree before, each new one after what stands before it."""
    phases: tuple[PhaseChange, ...]
    per_step: bool
    """Whether phases are per step."""
    unlike: tuple[str, ...]
    """What differs in the conditions, such as threads or input shapes, in words."""
