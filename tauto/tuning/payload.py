"""What travels to every trial of a workload, once, as one file."""

from __future__ import annotations

from dataclasses import dataclass

from tauto.techniques import Technique, techniques
from tauto.techniques.registry import adopt
from tauto.workload import Workload

__all__ = ["Payload", "techniques_of_others"]


@dataclass(frozen=True, slots=True)
class Payload:
    """A workload, and the techniques that are not TAuto's own (a notebook cell may have registered some)."""

    workload: Workload
    techniques: tuple[Technique, ...]

    def unpack(self) -> Workload:
        """Register the techniques in this process and return the workload."""
        for item in self.techniques:
            adopt(item)
        return self.workload


def techniques_of_others() -> tuple[Technique, ...]:
    """Return the registered techniques that do not come with TAuto."""
    return tuple(item for item in techniques() if not type(item).__module__.startswith("tauto.techniques."))
