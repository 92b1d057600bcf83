"""The page of a :class:`~tauto.reports.ProfileComparison`: what moved, by phase and by module."""

from __future__ import annotations

from collections.abc import Iterable

from tauto.rendering.change_branches import ChangeBranch, change_branches
from tauto.rendering.document import Block, Cell, Column, Document, Facts, Folded, Note, Row, Table, cell
from tauto.rendering.modules import work
from tauto.rendering.numbers import UNKNOWN, count, data_size, duration, plural, ratio
from tauto.rendering.phases import PHASES
from tauto.reports import ModuleChange, ModuleFigures, PhaseChange, ProfileComparison

__all__ = ["document", "explain", "headline"]

_FIRST = 20
_SMALL = 0.02
"""A change below this share is not told from noise: the two were not measured in turn."""
_WITH_ARTICLE = tuple(PHASES[name] for name in ("forward", "loss", "backward", "optimizer"))
_MATCHES = {"path": "", "moved": "moved", "replaced": "replaced", "gone": "gone", "new": "new"}
_MODULES = (
    Column("Module", shorten=True),
    Column("Kind", shorten=True),
    Column("Before", number=True),
    Column("After", number=True),
    Column("Change", number=True),
    Column("Backward", number=True, in_text=False),
    Column("FLOPs", number=True),
    Column("Memory", number=True),
    Column("Parameters", number=True, in_text=False),
    Column("Match"),
)
_PHASES = (
    Column("Phase"),
    Column("Before", number=True),
    Column("After", number=True),
    Column("Change", number=True),
)


def headline(report: ProfileComparison) -> str:
    """Return in one line what became of the time, and where most of it moved."""
    before, after, unit = _whole(report)
    if not before or not after:
        return "one of the two profiles called no model, so nothing can be set against the other"
    change = f"{duration(before)} → {duration(after)} {unit}"
    if abs(after / before - 1) < _SMALL:
        return f"{change}: no difference that two profiles can tell"
    faster = f"{ratio(before / after)} as fast" if after < before else f"{ratio(after / before)} the time"
    return f"{change}: {faster}{_most(report, after - before)}"


def _whole(report: ProfileComparison) -> tuple[float, float, str]:
    before, after = report.before, report.after
    if report.per_step:
        return before.wall_ms / before.steps, after.wall_ms / after.steps, "a step"
    return before.call_ms, after.call_ms, "a call"


def _most(report: ProfileComparison, whole: float) -> str:
    """Name what moved most in the direction of the ``whole``: a phase of the step, else a module of the model."""
    modules = [(_called(one.change), one.change.moved_self_ms) for one in _walked(report)]
    if not report.per_step:
        name, moved = _furthest(modules, whole)
    else:
        name, moved = _furthest([(PHASES[one.name], one.after_ms - one.before_ms) for one in report.phases], whole)
        inside, part = _furthest(modules, whole)
        if name == PHASES["forward"] and inside:
            name += f" ({inside}, {_signed(part)})"
    if not name:
        return ""
    article = "the " if name.startswith(_WITH_ARTICLE) and report.per_step else ""
    return f"; {'most of it' if moved / whole > 0.5 else 'the largest part'} in {article}{name}, {_signed(moved)}"


def _furthest(moved: Iterable[tuple[str, float]], whole: float) -> tuple[str, float]:
    """Return what moved furthest in the direction of ``whole``; no name when nothing did."""
    name, change = max(moved, key=lambda one: one[1] * whole, default=("", 0.0))
    return (name, change) if change * whole > 0 else ("", 0.0)


def _walked(report: ProfileComparison) -> list[ChangeBranch]:
    return [branch for top in change_branches(report.modules) for branch in top.walk()]


def _called(change: ModuleChange) -> str:
    """Return a module by its whole name and its kind, such as ``net.layers.0…5.ff (Sequential)``."""
    return f"{'.'.join(filter(None, (change.root, change.path)))} ({change.kind})"


def _signed(milliseconds: float) -> str:
    return f"{'+' if milliseconds > 0 else '−' if milliseconds < 0 else ''}{duration(abs(milliseconds))}"


def document(report: ProfileComparison) -> Document:
    """Return the page."""
    before, after, _ = _whole(report)
    clear = bool(before and after) and abs(after / before - 1) >= _SMALL
    blocks: list[Block] = [
        Note(
            "Two profiles, taken one after the other: a small change may be the machine's. tauto.compare(a, b) "
            "measures two models in turn and gives an interval."
        )
    ]
    blocks += [Note(f"Unlike: {'; '.join(report.unlike)}.")] if report.unlike else []
    blocks += _phases(report) + _modules(report) + [_sides(report)]
    return Document(
        _title(report), headline(report), tuple(blocks), ("good" if after < before else "bad") if clear else "neutral"
    )


def _title(report: ProfileComparison) -> str:
    before, after = report.before.subject, report.after.subject
    return f"Two profiles of {after}: what moved" if before == after else f"What moved from {before} to {after}"


def _phases(report: ProfileComparison) -> list[Block]:
    if not report.phases:
        return []
    each = "a step" if report.per_step else "of the whole cell"
    rows = tuple(_phase(phase) for phase in report.phases)
    return [Table(f"Time by phase, {each}", _PHASES, rows, more="phases")]


def _phase(phase: PhaseChange) -> Row:
    moved = phase.after_ms - phase.before_ms
    cells = (
        cell(PHASES[phase.name]),
        *map(Cell, (duration(phase.before_ms), duration(phase.after_ms), _signed(moved))),
    )
    return Row(cells, weight=abs(moved))


def _modules(report: ProfileComparison) -> list[Block]:
    rows = tuple(map(_module, _walked(report)))
    if not rows:
        return []
    legend = (
        "Of the traced calls, for one call of the model, the modules below included. Moved: the same kind at another "
        "path; replaced: another kind at the same path, such as a fused one. ×6: six alike in turn, as sums."
    )
    table = Table("What moved, by module", _MODULES, rows, more="modules", limit=_FIRST, legend=legend)
    if len(rows) <= _FIRST:
        return [table]
    whole = Table("What moved, by module", _MODULES, rows, more="modules", limit=100)
    return [table, Folded(f"More of the {len(rows):,} rows, in the order of the model", (whole,))]


def _module(branch: ChangeBranch) -> Row:
    change = branch.change
    before, after = change.before, change.after
    name = (change.name or change.root or "model") + (f" ×{branch.folded}" if branch.folded > 1 else "")
    kind = change.kind if before is None or before.kind == change.kind else f"{before.kind} → {change.kind}"
    backward = [_time(side.backward_ms) if side else UNKNOWN for side in (before, after)]
    cells = (
        cell(name, indent=min(change.depth, 8), code=True),
        cell(kind),
        Cell(_time(before.total_ms if before else None)),
        Cell(_time(after.total_ms if after else None)),
        Cell(_signed(change.moved_ms)),
        Cell(UNKNOWN if backward == [UNKNOWN, UNKNOWN] else " → ".join(backward)),
        Cell(_pair(before, after, "flops")),
        Cell(_pair(before, after, "activation_bytes")),
        Cell(_pair(before, after, "parameters")),
        cell(_MATCHES[change.match]),
    )
    return Row(cells, weight=branch.moved_most_ms)


def _time(milliseconds: float | None) -> str:
    return UNKNOWN if milliseconds is None else duration(milliseconds)


def _pair(before: ModuleFigures | None, after: ModuleFigures | None, field: str) -> str:
    """Return a figure on both sides, or once where it did not change."""
    write = {"flops": work, "activation_bytes": data_size, "parameters": count}[field]
    values = [write(getattr(side, field)) if side and getattr(side, field) else UNKNOWN for side in (before, after)]
    return values[0] if values[0] == values[1] else " → ".join(values)


def _sides(report: ProfileComparison) -> Facts:
    def words(first: str, second: str) -> str:
        return first if first == second else f"{first}, then {second}"

    before, after = report.before, report.after
    matches = [change.match for change in report.modules]
    counted = [f"{matches.count(kind)} {kind}" for kind in ("moved", "replaced", "gone", "new") if kind in matches]
    same = plural(matches.count("path"), "module") + " at the same path"
    rows = (
        ("Wall time", words(duration(before.wall_ms), duration(after.wall_ms))),
        ("Work of one call", words(work(round(before.flops)) + "FLOP", work(round(after.flops)) + "FLOP")),
        ("Peak of the process", words(data_size(before.peak_bytes), data_size(after.peak_bytes))),
        ("Modules", ", ".join([same, *counted])),
    )
    return Facts("Both profiles", rows)


def explain(report: ProfileComparison) -> str:
    """Return what moved in plain sentences."""
    sentences = [f"{headline(report)}."]
    for branch in sorted(_walked(report), key=lambda one: -abs(one.change.moved_self_ms))[:5]:
        change = branch.change
        words = {"gone": " is gone", "new": " is new"}.get(change.match, "")
        if change.moved_self_ms:
            sentences.append(f"{_called(change)}{words}: {_signed(change.moved_self_ms)} by itself.")
    sentences += [f"The profiles differ in {words}." for words in report.unlike]
    return "\n".join(sentences)
