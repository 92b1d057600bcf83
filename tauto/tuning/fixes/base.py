"""What a fix of a cell is: it is told what the cell does, and changes how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import reduce
from typing import Any, ClassVar

from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

__all__ = ["CellFix", "Targets"]

Original = Callable[..., Any]


class Targets:
    """Whether something is what a fix is for, by its name in the namespace of the cell.

    Parameters
    ----------
    target : str
        A name, perhaps dotted; empty for everything of its kind.
    names : mapping
        Looked into each time: the cell may give the name later.
    """

    def __init__(self, target: str, names: Mapping[str, Any]) -> None:
        self._path = target.split(".") if target else []
        self._names = names

    def __contains__(self, value: object) -> bool:
        if not self._path:
            return True
        first, *rest = self._path
        try:
            named = reduce(getattr, rest, self._names[first])
        except (KeyError, AttributeError):  # it has no such name yet
            return False
        return named is value


class CellFix:
    """One action at work on one run of the cell, in a process of its own; each hook may be overridden.

    Parameters
    ----------
    targets : Targets
        What it is for.
    options : mapping
        As :data:`tauto.profiling.fixes.ACTIONS` says.

    Attributes
    ----------
    engaged : int
        How often it changed something. A fix that never did was not tried.
    notes : list of str
        What is to be said beside the figures.
    """

    nothing: ClassVar[str] = ""
    """Why it had nothing to do, in words."""

    def __init__(self, targets: Targets, options: Mapping[str, Any]) -> None:
        self.targets = targets
        self.options = options
        self.engaged = 0
        self.notes: list[str] = []

    def around_run(self) -> AbstractContextManager[Any]:
        """Return the block in which the cell runs."""
        return nullcontext()

    def call(self, original: Original, model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Call a model that the cell calls itself."""
        return original(model, *args, **kwargs)

    def before_step(self, optimizer: Optimizer) -> None:
        """An optimizer is about to step."""

    def loader(self, loader: DataLoader[Any]) -> DataLoader[Any]:
        """Return what is iterated instead of ``loader``."""
        return loader
