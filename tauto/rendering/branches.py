"""The modules of a profile as a tree again, with blocks that are alike folded into one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Protocol, Self, TypeVar

from tauto.rendering.view import View
from tauto.reports import ModuleRow

__all__ = ["DEEPEST", "Branch", "Tree", "branches", "fold", "shown", "span"]

ALIKE = 3
"""So many blocks in turn are folded."""
DEEPEST = 64
"""What is nested deeper stands at this level."""


class Tree(Protocol):
    """What can be folded."""

    children: list[Self]


T = TypeVar("T", bound=Tree)


@dataclass(slots=True)
class Branch:
    """A module, or several alike that are shown as one: then the sums of their figures."""

    row: ModuleRow
    name: str
    """Below the module above it, such as ``layer.0…11``."""
    depth: int
    children: list[Branch] = field(default_factory=list)
    each_ms: tuple[float, ...] = ()
    """Total time of each of the folded ones."""

    @property
    def folded(self) -> int:
        """How many modules this stands for."""
        return max(len(self.each_ms), 1)

    def walk(self) -> Iterator[Branch]:
        """Yield this and all below it, in the order of the tree."""
        yield self
        for child in self.children:
            yield from child.walk()


def branches(rows: Sequence[ModuleRow], folded: bool = True) -> list[Branch]:
    """Return the root models with all below them, each module below the nearest one that its path begins with."""
    made: dict[tuple[int, str], Branch] = {}
    tops = []
    for row in sorted(rows, key=lambda row: (row.root, len(row.path.split(".")) if row.path else 0)):
        above = _above(row, made)
        if above is None:
            branch = Branch(row, row.path, 0)
            tops.append(branch)
        else:
            branch = Branch(row, row.path[len(above.row.path) :].lstrip("."), above.depth + 1)
            above.children.append(branch)
        if branch.depth < DEEPEST:
            made[row.root, row.path] = branch
    order = {id(row): place for place, row in enumerate(rows)}
    for branch in made.values():
        branch.children.sort(key=lambda child: order[id(child.row)])
    return [fold(top, _kinds, _merged) for top in tops] if folded else tops


def _above(row: ModuleRow, made: dict[tuple[int, str], Branch]) -> Branch | None:
    path = row.path
    while path:
        path = path.rpartition(".")[0]
        if (found := made.get((row.root, path))) is not None:
            return found
    return None


def _kinds(branch: Branch) -> tuple[object, ...]:
    """Return the structure of a module: its kind, and those of what is below it."""
    return branch.row.kind, *(_kinds(child) for child in branch.children)


def fold(branch: T, structure: Callable[[T], tuple[object, ...]], merged: Callable[[list[T]], T]) -> T:
    """Return ``branch`` with those below it, at every depth, ``merged`` where enough in turn have one ``structure``."""
    children: list[T] = []
    for _, group in groupby(branch.children, key=structure):
        alike = list(group)
        children += [merged(alike)] if len(alike) >= ALIKE else alike
    branch.children = [fold(child, structure, merged) for child in children]
    return branch


def _merged(alike: list[Branch]) -> Branch:
    first = alike[0]
    below = [_merged(list(level)) for level in zip(*(branch.children for branch in alike), strict=True)]
    each = tuple(branch.row.total_ms for branch in alike)
    names = [branch.name for branch in alike]
    paths = [branch.row.path for branch in alike]
    row = replace(_summed([branch.row for branch in alike]), path=span(paths))
    # what is below a folded block has the same name in all of them
    name = names[0] if len(set(names)) == 1 else span(names)
    return Branch(row, name, first.depth, below, each)


def span(names: list[str]) -> str:
    """Return what stands for alike ``names`` in turn: ``layer.0…11`` for ``layer.0`` to ``layer.11``."""
    first, last = re.split(r"(\d+)", names[0]), re.split(r"(\d+)", names[-1])
    if len(first) == len(last):
        differ = [place for place, (one, two) in enumerate(zip(first, last, strict=True)) if one != two]
        if len(differ) == 1 and differ[0] % 2:
            at = differ[0]
            return "".join([*first[:at], f"{first[at]}…{last[at]}", *first[at + 1 :]])
    return f"{names[0]}…{names[-1]}"


def _summed(rows: list[ModuleRow]) -> ModuleRow:
    longest = max(rows, key=lambda row: row.total_ms)
    known = [(row.share_of_ceiling, row.total_ms) for row in rows if row.share_of_ceiling is not None]
    time = sum(total for _, total in known)
    backward = [row.backward_ms for row in rows if row.backward_ms is not None]

    def total(get: Callable[[ModuleRow], float]) -> float:
        return sum(map(get, rows))

    return replace(
        longest,
        depth=rows[0].depth,
        calls=sum(row.calls for row in rows),
        total_ms=total(lambda row: row.total_ms),
        self_ms=total(lambda row: row.self_ms),
        flops=sum(row.flops for row in rows),
        bytes_moved=sum(row.bytes_moved for row in rows),
        parameters=sum(row.parameters for row in rows),
        parameter_bytes=sum(row.parameter_bytes for row in rows),
        share_of_ceiling=sum(share * part for share, part in known) / time if time > 0 else longest.share_of_ceiling,
        activation_bytes=sum(row.activation_bytes for row in rows),
        backward_ms=sum(backward) if backward else None,
    )


_KEYS: dict[str, Callable[[ModuleRow], float]] = {
    "total": lambda row: row.total_ms,
    "self": lambda row: row.self_ms,
    "flops": lambda row: row.flops,
    "memory": lambda row: row.activation_bytes,
    "calls": lambda row: row.calls,
}


def shown(rows: Sequence[ModuleRow], view: View) -> list[Branch]:
    """Return what ``view`` shows of ``rows``: in the order of the tree, or the largest first and none below another."""
    tree = [branch for top in branches(rows, view.fold) for branch in top.walk()]
    kept = [branch for branch in tree if view.depth is None or branch.depth <= view.depth]
    if view.sort == "tree":
        return kept
    ranked = sorted(kept, key=lambda branch: -_KEYS[view.sort](branch.row))
    return [Branch(branch.row, branch.row.path, 0, [], branch.each_ms) for branch in ranked]
