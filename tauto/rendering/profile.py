"""The page of a :class:`~tauto.reports.ProfileReport`: where time and memory go."""

from __future__ import annotations

from tauto.rendering.document import (
    Block,
    Cell,
    Column,
    Document,
    Facts,
    Folded,
    Items,
    Mark,
    Note,
    Row,
    Table,
    cell,
)
from tauto.rendering.numbers import count, data_size, duration, flops, plural, share
from tauto.reports import ModuleRow, OperatorRow, ProfileReport, RootModel

__all__ = ["document", "explain", "headline"]

_FIRST = 16
_BOUND = {"compute": "compute", "memory": "memory", "overhead": "overhead", None: "–"}
_MODULES = (
    Column("Module"),
    Column("Kind"),
    Column("Share", number=True),
    Column("Total", number=True),
    Column("Self", number=True),
    Column("Calls", number=True),
    Column("FLOPs", number=True),
    Column("Bound by"),
    Column("Of ceiling", number=True),
    Column("Parameters", number=True, in_text=False),
)
_OPERATORS = (
    Column("Operator"),
    Column("Share", number=True),
    Column("Self", number=True),
    Column("Total", number=True),
    Column("Calls", number=True),
    Column("FLOPs", number=True),
    Column("Allocated", number=True),
)
_ROOTS = (
    Column("Model"),
    Column("Kind"),
    Column("Time", number=True),
    Column("Calls", number=True),
    Column("Parameters", number=True),
    Column("Weights", number=True),
    Column("Mode"),
    Column("Inputs"),
)


def headline(report: ProfileReport) -> str:
    """Return in one line where the time goes."""
    if not report.roots:
        return f"{duration(report.wall_ms)}, and no model was called"
    outside = report.outside_ms / report.wall_ms if report.wall_ms > 0 else 0.0
    found = plural(len(report.findings), "finding") if report.findings else "nothing found that holds it back"
    models = "in the model" if len(report.roots) == 1 else f"in {len(report.roots)} models"
    return f"{duration(report.wall_ms)}: {share(1 - outside)} {models}, {share(outside)} outside; {found}"


def document(report: ProfileReport) -> Document:
    """Return the page."""
    findings = tuple(
        (one.title, one.evidence, tuple(line for line in (one.line or one.python,) if line)) for one in report.findings
    )
    blocks: list[Block] = [Items("Findings", findings, more="findings")]
    if len(report.roots) > 1 or not report.modules:
        blocks.append(_roots(report.roots))
    blocks += _tables(report)
    if report.uncounted:
        names = ", ".join(report.uncounted[:8]) + (", …" if len(report.uncounted) > 8 else "")
        blocks.append(Note(f"FLOPs of these operators are not counted: {names}."))
    blocks += [_memory(report), _conditions(report)]
    return Document(f"Profile of {report.subject}", headline(report), tuple(blocks))


def _tables(report: ProfileReport) -> list[Block]:
    modules = _modules(report)
    operators = _operators(report.operators)
    blocks: list[Block] = [_table("Time by module", _MODULES, modules, "modules")]
    if len(modules) > _FIRST:
        whole = _table("Time by module", _MODULES, modules, "modules", limit=100)
        blocks.append(Folded(f"More of the {len(modules):,} modules, in the order of the model", (whole,)))
    blocks.append(_table("Time by operator", _OPERATORS, operators, "operators", limit=10))
    if len(operators) > 10:
        whole = _table("Time by operator", _OPERATORS, operators, "operators", limit=60)
        blocks.append(Folded(f"More of the {len(operators):,} operators", (whole,)))
    return blocks


def _table(caption: str, columns: tuple[Column, ...], rows: tuple[Row, ...], more: str, limit: int = _FIRST) -> Table:
    return Table(caption, columns, rows, more=more, limit=limit, bars_in_text=True)


def _modules(report: ProfileReport) -> tuple[Row, ...]:
    whole = sum(row.total_ms for row in report.modules if row.depth == 0)
    return tuple(_module(row, report, whole) for row in report.modules)


def _module(row: ModuleRow, report: ProfileReport, whole: float) -> Row:
    root = report.roots[row.root].name if 0 <= row.root < len(report.roots) else "model"
    name = row.path.rpartition(".")[2] if row.path else root
    part = row.total_ms / whole if whole > 0 else 0.0
    cells = (
        cell(name, indent=min(max(row.depth, 0), 8), code=True),
        cell(row.kind),
        Cell(share(part), Mark(part, 1.0)),
        Cell(duration(row.total_ms)),
        Cell(duration(row.self_ms)),
        Cell(count(row.calls)),
        Cell(flops(row.flops) if row.flops else "–"),
        Cell(_BOUND[row.bound]),
        Cell(share(row.share_of_ceiling)),
        Cell(count(row.parameters)),
    )
    return Row(cells, weight=row.total_ms)


def _operators(operators: tuple[OperatorRow, ...]) -> tuple[Row, ...]:
    whole = sum(row.self_ms for row in operators)
    ranked = sorted(operators, key=lambda row: -row.self_ms)
    return tuple(_operator(row, whole) for row in ranked)


def _operator(row: OperatorRow, whole: float) -> Row:
    part = row.self_ms / whole if whole > 0 else 0.0
    cells = (
        cell(row.name, code=True),
        Cell(share(part), Mark(part, 1.0)),
        Cell(duration(row.self_ms)),
        Cell(duration(row.total_ms)),
        Cell(count(row.calls)),
        Cell("not counted" if row.flops is None else flops(row.flops) if row.flops else "–"),
        Cell(data_size(row.allocated_bytes) if row.allocated_bytes else "–"),
    )
    return Row(cells, weight=row.self_ms)


def _roots(roots: tuple[RootModel, ...]) -> Table:
    rows = tuple(
        Row(
            (
                cell(root.name, code=True),
                cell(root.kind),
                Cell(duration(root.total_ms)),
                Cell(count(root.calls)),
                Cell(count(root.parameters)),
                Cell(data_size(root.parameter_bytes)),
                Cell("training" if root.training else "eval"),
                cell(", ".join(root.shapes[:4])),
            ),
            weight=root.total_ms,
        )
        for root in roots
    )
    return Table("Models that were called", _ROOTS, rows, more="models", limit=12)


def _memory(report: ProfileReport) -> Facts:
    weights = sum(root.parameter_bytes for root in report.roots)
    rows = (
        (
            "Weights",
            f"{data_size(weights)} in {plural(sum(root.parameters for root in report.roots), 'parameter')}",
        ),
        ("Peak of the process", data_size(report.peak_bytes)),
        ("Allocated by operators", f"{data_size(report.allocated_bytes)} over the sampled calls"),
    )
    return Facts("Memory", rows)


def _conditions(report: ProfileReport) -> Facts:
    sampled = f"{count(report.sampled_calls)} of {plural(report.root_calls, 'call')}"
    outside = f" ({share(report.outside_ms / report.wall_ms)} of the wall time)" if report.wall_ms > 0 else ""
    rows = [
        ("Sampled", f"{sampled}, operator by operator; the others were timed only"),
        ("Outside the model", f"{duration(report.outside_ms)}{outside}"),
        (
            "Work of one call",
            flops(report.flops) + ", a multiply and an add counted as two" if report.flops else "–",
        ),
        ("Machine", f"{report.machine} ({report.device}, {plural(report.threads, 'thread')})"),
        ("Analysis", f"{duration(report.analysis_ms)} after the cell, not part of its time"),
    ]
    if len(report.roots) == 1:
        root = report.roots[0]
        rows.insert(
            1,
            (
                "Inputs",
                f"{', '.join(root.shapes[:4]) or '–'}, in {'training' if root.training else 'eval'} mode",
            ),
        )
    if remembered := sum(root.remembered_samples for root in report.roots):
        rows.append(("Remembered", f"{plural(remembered, 'sample')}, so that the next verbs need no inputs"))
    return Facts("Conditions", tuple(rows))


def explain(report: ProfileReport) -> str:
    """Return the profile in plain sentences."""
    sentences = [f"{report.subject} took {headline(report)}."]
    own = sorted(report.modules, key=lambda row: -row.self_ms)[:3]
    whole = sum(row.self_ms for row in report.modules)
    if own and whole > 0:
        named = ", ".join(f"{row.path or row.kind} ({row.kind}, {share(row.self_ms / whole)})" for row in own)
        sentences.append(f"Most of the model's time is in {named}.")
    sentences += [
        f"{one.title}: {one.evidence}" + (f" Try: {one.line or one.python}" if one.line or one.python else "")
        for one in report.findings
    ]
    return "\n".join(sentences)
