"""What moved between two profiles: modules matched through renaming, fusion and pruning. Works on reports alone.

Under two modules that belong together, their children are paired in rounds, each among what the rounds before left:
the same name and kind, unless the name is a number, for these change when a module before goes; the same kind and
parameters in the same order (``difflib.SequenceMatcher``, what is paired already holding its place); the same number
and kind (pruned); the same kind in the same order; the same name (fused, replaced). What is left in the whole tree is
then looked for at a path that ends alike (wrapped), and in the order of kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from tauto.reports.profile import ModuleRow, ProfileReport
from tauto.reports.profile_comparison import (
    Match,
    ModuleChange,
    ModuleFigures,
    PhaseChange,
    ProfileComparison,
    ProfileSide,
)

__all__ = ["compare_profiles"]


@dataclass(slots=True, eq=False)
class _Node:
    row: ModuleRow
    name: str
    """Below the module above it."""
    root: str
    """What its root model is called."""
    calls: int
    """Sampled calls of its root."""
    depth: int
    children: list[_Node] = field(default_factory=list)
    twin: _Node | None = None
    match: Match = "gone"


def compare_profiles(before: ProfileReport, after: ProfileReport) -> ProfileComparison:
    """Return what moved from ``before`` to ``after``, figures per call of the root models.

    Examples
    --------
    >>> compare_profiles(eager, fused).modules[0].moved_ms  # doctest: +SKIP
    -3.2
    """
    old, new = _trees(before), _trees(after)
    for one, two in _paired_roots(old, new):
        _join(one, two, "path" if one.row.kind == two.row.kind else "replaced")
        _pair_below(one, two)
    _pair_anywhere(old, new)
    return ProfileComparison(
        before=_side(before),
        after=_side(after),
        modules=tuple(_changes(old, new)),
        phases=_phases(before, after),
        per_step=_per_step(before, after),
        unlike=tuple(_unlike(before, after)),
    )


def _trees(report: ProfileReport) -> list[_Node]:
    nodes: dict[tuple[int, str], _Node] = {}
    roots: list[_Node] = []
    calls = {row.root: max(row.calls, 1) for row in report.modules if not row.path}
    for row in sorted(report.modules, key=lambda row: (row.root, len(row.path.split(".")) if row.path else 0)):
        above = next((nodes[key] for key in _prefixes(row) if key in nodes), None)
        node = _Node(row, row.path, _root(report, row), calls.get(row.root, 1), 0)
        if above is None:
            roots.append(node)
        else:
            node.name, node.depth = row.path[len(above.row.path) :].lstrip("."), above.depth + 1
            above.children.append(node)
        nodes[row.root, row.path] = node
    order = {id(row): place for place, row in enumerate(report.modules)}
    for node in nodes.values():
        node.children.sort(key=lambda child: order[id(child.row)])
    return roots


def _root(report: ProfileReport, row: ModuleRow) -> str:
    return report.roots[row.root].name if 0 <= row.root < len(report.roots) else ""


def _prefixes(row: ModuleRow) -> Iterable[tuple[int, str]]:
    path = row.path
    while path:
        path = path.rpartition(".")[0]
        yield row.root, path


def _paired_roots(old: list[_Node], new: list[_Node]) -> list[tuple[_Node, _Node]]:
    """Pair the models by name, then by kind, then in order."""
    pairs: list[tuple[_Node, _Node]] = []
    keys: list[Callable[[_Node], Hashable]] = [lambda node: node.root, lambda node: node.row.kind, lambda node: ""]
    for key in keys:
        for one in [node for node in old if node.twin is None]:
            two = next((two for two in new if two.twin is None and key(one) == key(two)), None)
            if two is not None:
                one.twin, two.twin = two, one
                pairs.append((one, two))
    return pairs


def _join(one: _Node, two: _Node, match: Match) -> None:
    one.twin, two.twin = two, one
    one.match = two.match = match


_Key = Callable[[_Node], Hashable | None]


def _sized(node: _Node) -> Hashable | None:
    return (node.row.kind, node.row.parameters) if node.row.parameters else None


def _kind(node: _Node) -> Hashable | None:
    return node.row.kind


def _named_kind(node: _Node) -> Hashable | None:
    return node.name, node.row.kind


def _is_number(node: _Node) -> bool:
    return node.name.rpartition(".")[2].isdecimal()


def _named(node: _Node) -> list[Hashable]:
    return [_named_kind(child) for child in node.children]


def _pair_below(one: _Node, two: _Node) -> None:
    """Pair the children of two modules that belong together, and what is below them."""
    stack = [(one, two)]
    while stack:
        left, right = stack.pop()
        if _named(left) == _named(right):
            _by_key(left.children, right.children, _named_kind)
        _by_key(left.children, right.children, lambda node: None if _is_number(node) else _named_kind(node))
        _in_order(left.children, right.children, _sized)
        _by_key(left.children, right.children, lambda node: _named_kind(node) if _sized(node) else None)
        _in_order(left.children, right.children, _kind)
        _by_key(left.children, right.children, lambda node: node.name)
        stack += [(child, child.twin) for child in left.children if child.twin is not None]


def _free(nodes: Iterable[_Node]) -> list[_Node]:
    return [node for node in nodes if node.twin is None]


def _how(one: _Node, two: _Node) -> Match:
    if one.row.kind != two.row.kind:
        return "replaced"
    return "path" if one.row.path == two.row.path else "moved"


def _by_key(left: Sequence[_Node], right: Sequence[_Node], key: _Key) -> None:
    waiting = {key(node): node for node in reversed(_free(right)) if key(node) is not None}
    for one in _free(left):
        two = waiting.pop(key(one), None)
        if two is not None:
            _join(one, two, _how(one, two))


def _in_order(left: Sequence[_Node], right: Sequence[_Node], key: _Key) -> None:
    ones = [node for node in left if node.twin is not None or key(node) is not None]
    twos = [node for node in right if node.twin is not None or key(node) is not None]
    tokens = [[_token(node, node, key) for node in ones], [_token(node.twin, node, key) for node in twos]]
    for block in SequenceMatcher(a=tokens[0], b=tokens[1], autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            one, two = ones[block.a + offset], twos[block.b + offset]
            if one.twin is None:
                _join(one, two, _how(one, two))


def _token(anchor: _Node | None, node: _Node, key: _Key) -> Hashable:
    """Return what ``node`` is told by in order: a pair by its first side, the others by their ``key``."""
    return key(node) if node.twin is None else id(anchor)


def _all(roots: Iterable[_Node]) -> list[_Node]:
    found: list[_Node] = []
    stack = list(reversed(list(roots)))
    while stack:
        node = stack.pop()
        found.append(node)
        stack += reversed(node.children)
    return found


def _pair_anywhere(old: list[_Node], new: list[_Node]) -> None:
    """Pair what was moved to another level, such as by a module around the model."""
    left, right = _free(_all(old)), _free(_all(new))
    by_kind: dict[str, list[_Node]] = {}
    for node in right:
        by_kind.setdefault(node.row.kind, []).append(node)
    for one in left:
        for two in by_kind.get(one.row.kind, ()):
            if two.twin is None and _ends_alike(one.row.path, two.row.path):
                _join(one, two, "moved")
                break
    _in_order(left, right, _sized)
    _in_order(left, right, lambda node: node.row.kind if not node.children else None)


def _ends_alike(one: str, two: str) -> bool:
    longer, shorter = (one, two) if len(one) >= len(two) else (two, one)
    return bool(shorter) and (longer == shorter or longer.endswith(f".{shorter}"))


def _changes(old: list[_Node], new: list[_Node]) -> Iterable[ModuleChange]:
    """Yield every module once: those before in their order, each new one after the one that stands before it."""
    following: dict[int | None, list[_Node]] = {}
    last: int | None = None
    for node in _all(new):
        if node.twin is None:
            following.setdefault(last, []).append(node)
        else:
            last = id(node.twin)
    yield from (_new(node) for node in following.get(None, ()))
    for node in _all(old):
        twin = node.twin
        yield _change(twin or node, node.depth, _figures(node), _figures(twin) if twin else None, node.match)
        yield from (_new(added) for added in following.get(id(node), ()))


def _new(node: _Node) -> ModuleChange:
    return _change(node, node.depth, None, _figures(node), "new")


def _change(
    named: _Node, depth: int, before: ModuleFigures | None, after: ModuleFigures | None, match: Match
) -> ModuleChange:
    return ModuleChange(named.name, named.row.path, named.row.kind, depth, before, after, match)


def _figures(node: _Node) -> ModuleFigures:
    row, calls = node.row, node.calls
    return ModuleFigures(
        path=row.path,
        kind=row.kind,
        total_ms=row.total_ms / calls,
        self_ms=row.self_ms / calls,
        flops=row.flops / calls,
        activation_bytes=row.activation_bytes,
        parameters=row.parameters,
        root=node.root,
        backward_ms=None if row.backward_ms is None else row.backward_ms / calls,
    )


def _side(report: ProfileReport) -> ProfileSide:
    tops = [row for row in report.modules if not row.path]
    return ProfileSide(
        subject=report.subject,
        wall_ms=report.wall_ms,
        steps=report.steps.count if report.steps else 0,
        call_ms=sum(row.total_ms / max(row.calls, 1) for row in tops),
        flops=sum(row.flops / max(row.calls, 1) for row in tops),
        peak_bytes=report.peak_bytes,
        threads=report.threads,
        fingerprint=report.fingerprint,
        shapes=tuple(shape for root in report.roots for shape in root.shapes[:4]),
    )


def _per_step(before: ProfileReport, after: ProfileReport) -> bool:
    if not (before.steps and after.steps):
        return False
    return before.steps.unit == after.steps.unit and min(before.steps.count, after.steps.count) > 0


def _phases(before: ProfileReport, after: ProfileReport) -> tuple[PhaseChange, ...]:
    each = _per_step(before, after)
    old = {phase.name: phase.total_ms / _count(before, each) for phase in before.phases}
    new = {phase.name: phase.total_ms / _count(after, each) for phase in after.phases}
    return tuple(PhaseChange(name, old.get(name, 0.0), new.get(name, 0.0)) for name in {**old, **new})


def _count(report: ProfileReport, each: bool) -> int:
    return report.steps.count if each and report.steps else 1


def _unlike(before: ProfileReport, after: ProfileReport) -> Iterable[str]:
    one, two = _side(before), _side(after)
    if one.fingerprint != two.fingerprint or before.device != after.device:
        yield f"the machine: {before.machine} ({before.device}), then {after.machine} ({after.device})"
    if one.threads != two.threads:
        yield f"threads: {one.threads}, then {two.threads}"
    if one.shapes != two.shapes:
        yield f"inputs: {', '.join(one.shapes) or 'none'}, then {', '.join(two.shapes) or 'none'}"
    modes = [any(root.training for root in report.roots) for report in (before, after)]
    if modes[0] != modes[1]:
        words = ["training" if mode else "eval" for mode in modes]
        yield f"mode: {words[0]}, then {words[1]}"
