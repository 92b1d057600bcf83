"""What moved between two profiles as a tree, with blocks that moved alike folded into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from tauto.rendering.branches import DEEPEST, fold, span
from tauto.reports import ModuleChange, ModuleFigures

__all__ = ["ChangeBranch", "change_branches"]


@dataclass(slots=True)
class ChangeBranch:
    """A module before and after, or several alike that are shown as one: then the sums of their figures."""

    change: ModuleChange
    children: list[ChangeBranch] = field(default_factory=list)
    folded: int = 1
    """How many modules this stands for."""

    @property
    def moved_most_ms(self) -> float:
        """The largest change of this and of what is below it: what is shown keeps what it stands below."""
        return max(abs(branch.change.moved_ms) for branch in self.walk())

    def walk(self) -> Iterator[ChangeBranch]:
        """Yield this and all below it, in the order of the tree."""
        yield self
        for child in self.children:
            yield from child.walk()


def change_branches(changes: Sequence[ModuleChange]) -> list[ChangeBranch]:
    """Return the root models with all below them, three or more alike in turn as one."""
    tops: list[ChangeBranch] = []
    above: list[ChangeBranch] = []
    for change in changes:
        branch = ChangeBranch(change)
        del above[min(change.depth, DEEPEST) :]  # what is nested deeper stands at the deepest level
        (above[-1].children if above else tops).append(branch)
        above.append(branch)
    return [fold(top, _alike, _merged) for top in tops]


def _alike(branch: ChangeBranch) -> tuple[object, ...]:
    """Return the structure of a module: what became of it, and of what is below it."""
    change = branch.change
    kinds = [side.kind if side else None for side in (change.before, change.after)]
    return change.match, *kinds, *(_alike(child) for child in branch.children)


def _merged(alike: list[ChangeBranch]) -> ChangeBranch:
    below = [_merged(list(level)) for level in zip(*(branch.children for branch in alike), strict=True)]
    changes = [branch.change for branch in alike]
    names = [change.name for change in changes]
    summed = replace(
        changes[0],
        # what is below a folded block has the same name in all of them
        name=names[0] if len(set(names)) == 1 else span(names),
        path=span([change.path for change in changes]),
        before=_summed([change.before for change in changes]),
        after=_summed([change.after for change in changes]),
    )
    return ChangeBranch(summed, below, sum(branch.folded for branch in alike))


def _summed(sides: Sequence[ModuleFigures | None]) -> ModuleFigures | None:
    known = [side for side in sides if side is not None]
    if not known:
        return None
    backward = [side.backward_ms for side in known if side.backward_ms is not None]
    return ModuleFigures(
        path=span([side.path for side in known]),
        kind=known[0].kind,
        total_ms=sum(side.total_ms for side in known),
        self_ms=sum(side.self_ms for side in known),
        flops=sum(side.flops for side in known),
        activation_bytes=sum(side.activation_bytes for side in known),
        parameters=sum(side.parameters for side in known),
        root=known[0].root,
        backward_ms=sum(backward) if backward else None,
    )
