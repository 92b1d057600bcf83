"""The tables of a profile's modules and operators."""

from __future__ import annotations

from dataclasses import replace

from tauto.rendering.branches import Branch, shown
from tauto.rendering.document import Block, Cell, Column, Folded, Mark, Note, Row, Table, cell, numeric
from tauto.rendering.numbers import UNKNOWN, count, data_size, duration, flops, share
from tauto.rendering.view import View
from tauto.reports import ModuleRow, OperatorRow, ProfileReport

__all__ = ["LEGEND", "bound", "module_blocks", "operator_blocks", "title", "work"]

_FIRST = 16
_WHOLE = 60
_SORTED = {
    "tree": "Time by module",
    "total": "Time by module, longest first",
    "self": "Time by module, longest by itself first",
    "flops": "Time by module, most FLOPs first",
    "memory": "Time by module, most memory first",
    "calls": "Time by module, most calls first",
}
LEGEND = (
    "Forward only, over the traced calls. A multiply and an add are two FLOPs. Memory is what a call still held when "
    "it ended: its output, and what it keeps for the backward pass. Bound says what limits it, and how much of the "
    "measured ceiling of that it reached."
)
_CALLED = "FLOPs stand with the operator that was called: aten::convolution, and not the kernel below it that does it."
_OPERATORS = (
    Column("Operator", shorten=True),
    *numeric("Share", "Self", "Total", "Calls", "FLOPs", "Allocated"),
)


def module_blocks(report: ProfileReport, view: View) -> list[Block]:
    """Return the table of the modules that ``view`` shows, what its folded rows are, and the rest of it folded."""
    lines = shown(report.modules, view)
    if not lines:
        return []
    backward = any(row.backward_ms is not None for row in report.modules)
    whole = sum(row.total_ms for row in report.modules if row.depth == 0)
    rows = tuple(_module(line, report, whole, backward) for line in lines)
    if view.sort != "tree":  # what is cut are the last ones
        rows = tuple(replace(row, weight=-place) for place, row in enumerate(rows))
    table = Table(_SORTED[view.sort], _columns(backward, view), rows, more="modules", limit=_FIRST, legend=LEGEND)
    blocks: list[Block] = [table]
    if spread := _spread(lines):
        blocks.append(Note(spread))
    if len(rows) > _FIRST:
        rest = replace(table, limit=_WHOLE, legend="")
        order = "in the order of the model" if view.sort == "tree" else "in this order"
        blocks.append(Folded(f"More of the {len(rows):,} rows, {order}", (rest,)))
    return blocks


def _columns(backward: bool, view: View) -> tuple[Column, ...]:
    return (
        Column("Module", shorten=True),
        Column("Kind", shorten=True),
        Column("Share", number=True),
        Column("Total", number=True),
        Column("Self", number=True, in_text=not backward or view.sort == "self"),
        *((Column("Backward", number=True),) if backward else ()),
        Column("Calls", number=True),
        Column("Bound", shorten=True),
        Column("FLOPs", number=True),
        Column("Memory", number=True),
        Column("Moved", number=True, in_text=False),
        Column("Parameters", number=True, in_text=False),
        Column("Precision", in_text=False),
    )


def title(row: ModuleRow, name: str, report: ProfileReport) -> str:
    """Return what a row is called: its ``name``, or that of its root model."""
    root = report.roots[row.root].name if 0 <= row.root < len(report.roots) else "model"
    return name or root


def bound(row: ModuleRow) -> str:
    """Return what binds a module and how far it got, such as ``compute 36 %``."""
    if row.bound is None:
        return UNKNOWN
    return row.bound if row.share_of_ceiling is None else f"{row.bound} {share(row.share_of_ceiling)}"


def work(count: int) -> str:
    """Return FLOPs under a heading that says so: ``45.0 M``."""
    return flops(count).removesuffix("FLOP").rstrip() if count else UNKNOWN


def _module(line: Branch, report: ProfileReport, whole: float, backward: bool) -> Row:
    row = line.row
    part = row.total_ms / whole if whole > 0 else 0.0
    name = title(row, line.name, report) + (f" ×{line.folded}" if line.folded > 1 else "")
    cells = (
        cell(name, indent=min(line.depth, 8), code=True),
        cell(row.kind),
        Cell(share(part), Mark(part, 1.0)),
        Cell(duration(row.total_ms)),
        Cell(duration(row.self_ms)),
        *((Cell(duration(row.backward_ms)),) if backward else ()),
        Cell(count(row.calls)),
        Cell(bound(row)),
        Cell(work(row.flops)),
        Cell(data_size(row.activation_bytes) if row.activation_bytes else UNKNOWN),
        Cell(data_size(row.bytes_moved) if row.bytes_moved else UNKNOWN),
        Cell(count(row.parameters)),
        cell(row.precision if row.flops else UNKNOWN),
    )
    return Row(cells, weight=row.total_ms)


def _spread(lines: list[Branch]) -> str:
    """Say how far the folded blocks lie apart; what is below a folded block goes without saying."""
    outermost = [line for line in lines if line.folded > 1 and "…" in line.name]
    said = [
        f"{line.name} ({duration(min(line.each_ms))} to {duration(max(line.each_ms))} each)" for line in outermost[:4]
    ]
    if not said:
        return ""
    more = f", and {len(outermost) - 4} more" if len(outermost) > 4 else ""
    return f"Alike and summed in one row: {', '.join(said)}{more}."


def operator_blocks(report: ProfileReport) -> list[Block]:
    """Return the table of the operators, those with most time of their own, and the rest folded."""
    if not report.operators:
        return []
    whole = sum(row.self_ms for row in report.operators)
    ranked = sorted(report.operators, key=lambda row: -row.self_ms)
    rows = tuple(_operator(row, whole) for row in ranked)
    table = Table("Time by operator", _OPERATORS, rows, more="operators", limit=10, bars_in_text=True, legend=_CALLED)
    blocks: list[Block] = [table]
    if len(rows) > 10:
        blocks.append(Folded(f"More of the {len(rows):,} operators", (replace(table, limit=60, legend=""),)))
    return blocks


def _operator(row: OperatorRow, whole: float) -> Row:
    part = row.self_ms / whole if whole > 0 else 0.0
    cells = (
        cell(row.name, code=True),
        Cell(share(part), Mark(part, 1.0)),
        Cell(duration(row.self_ms)),
        Cell(duration(row.total_ms)),
        Cell(count(row.calls)),
        Cell("not counted" if row.flops is None else work(row.flops)),
        Cell(data_size(row.allocated_bytes) if row.allocated_bytes else UNKNOWN),
    )
    return Row(cells, weight=row.self_ms)
