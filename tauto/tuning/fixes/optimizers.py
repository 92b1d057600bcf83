"""Fixes of the optimizer."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, ClassVar

from torch.optim import Optimizer

from tauto.errors import CandidateFailed
from tauto.tuning.fixes.base import CellFix, Targets

__all__ = ["OptimizerForm"]


class OptimizerForm(CellFix):
    """Step in another implementation of the same rule."""

    nothing: ClassVar[str] = "no optimizer that it is for stepped"

    def __init__(self, targets: Targets, options: Mapping[str, Any]) -> None:
        super().__init__(targets, options)
        self._changed: weakref.WeakSet[Optimizer] = weakref.WeakSet()

    def before_step(self, optimizer: Optimizer) -> None:
        """Switch the form of all groups before the first step; loading the state puts it where that form needs it."""
        if optimizer in self._changed or optimizer not in self.targets:
            return
        self._changed.add(optimizer)
        wanted = {name: bool(self.options[name]) for name in ("fused", "foreach") if name in self.options}
        lacking = [name for name in wanted if any(name not in group for group in optimizer.param_groups)]
        if lacking:
            raise CandidateFailed(f"{type(optimizer).__name__} has no {lacking[0]} form")
        changes = {"fused": False, "foreach": False} | wanted
        state = optimizer.state_dict()
        for group in state["param_groups"]:
            group.update({name: value for name, value in changes.items() if name in group})
        optimizer.load_state_dict(state)
        self.engaged += 1
