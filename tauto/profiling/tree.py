"""Rows of the report from what the trace holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tauto.profiling.anatomy import ModuleKey
from tauto.profiling.roofline import Roofline
from tauto.profiling.trace import CallSpan, Trace, Work
from tauto.reports.profile import ModuleRow, OperatorRow

__all__ = ["ModuleSum", "module_row", "module_sums", "operator_rows", "uncounted"]

MOST_OPERATORS = 6
"""Of a module's own operators, those with most time, are told."""

Place = tuple[int, str]
"""Index of the root, and dotted path below it."""


@dataclass(slots=True)
class ModuleSum:
    """All kept calls of one module; total time and work include the modules below it."""

    key: ModuleKey
    path: str
    depth: int
    calls: int = 0
    total_ns: int = 0
    self_ns: int = 0
    backward_ns: int = 0
    net_bytes: int = 0
    operators_ns: Counter[str] = field(default_factory=Counter)
    work: Work = field(default_factory=Work)


def _chain(span: CallSpan) -> Iterator[CallSpan]:
    above: CallSpan | None = span
    while above is not None:
        yield above
        above = above.parent


def _place(span: CallSpan, keys: Sequence[ModuleKey]) -> Place:
    key = keys[span.key]
    if key.path is not None:
        return key.root, key.path
    above = _place(span.parent, keys)[1] if span.parent else ""
    return key.root, f"{above}.({key.kind})".lstrip(".")


def module_sums(trace: Trace, keys: Sequence[ModuleKey]) -> dict[Place, ModuleSum]:
    """Return the sums by module, in order of the tree; a module called from within itself is not added twice."""
    sums: dict[Place, ModuleSum] = {}
    for span in sorted((span for span in trace.calls if span.kept), key=lambda span: span.start_ns):
        chain = [_place(above, keys) for above in _chain(span)]
        own = sums.setdefault(chain[0], ModuleSum(keys[span.key], chain[0][1], len(chain) - 1))
        own.calls += 1
        own.self_ns += span.total_ns - span.inner_ns
        if chain[0] not in chain[1:]:
            own.total_ns += span.total_ns
        own.net_bytes += max(span.net_bytes, 0)
        own.operators_ns.update(span.operators_ns)
        for place in dict.fromkeys(chain):
            sums[place].work.add(span.work)
            sums[place].backward_ns += span.backward_ns
    return dict(sorted(sums.items(), key=lambda item: item[0][0]))  # stable: one root after another


def module_row(total: ModuleSum, roofline: Roofline, *, has_backward: bool = False) -> ModuleRow:
    """Return the row of one module; ``has_backward`` says whether a backward pass was traced."""
    found = roofline.place(total.work, total.total_ns)
    return ModuleRow(
        path=total.path,
        kind=total.key.kind,
        root=total.key.root,
        depth=total.depth,
        calls=total.calls,
        total_ms=total.total_ns / 1e6,
        self_ms=total.self_ns / 1e6,
        flops=total.work.total_flops,
        bytes_moved=total.work.total_bytes,
        parameters=total.key.parameters,
        parameter_bytes=total.key.parameter_bytes,
        bound=found.bound,
        share_of_ceiling=found.share,
        precision=total.work.precision,
        activation_bytes=round(total.net_bytes / total.calls),
        backward_ms=total.backward_ns / 1e6 if has_backward else None,
        operators={name: round(ns / 1e6, 4) for name, ns in total.operators_ns.most_common(MOST_OPERATORS)},
    )


def operator_rows(trace: Trace) -> tuple[OperatorRow, ...]:
    """Return the operators, those with most time of their own first."""
    rows = [
        OperatorRow(
            name=name,
            calls=row.calls,
            total_ms=row.total_ns / 1e6,
            self_ms=row.self_ns / 1e6,
            flops=None if row.uncounted_ns and not row.flops else row.flops,
            allocated_bytes=row.allocated_bytes,
        )
        for name, row in trace.operators.items()
    ]
    return tuple(sorted(rows, key=lambda row: -row.self_ms))


def uncounted(trace: Trace, least_share: float = 0.0) -> tuple[str, ...]:
    """Name the operators whose work is not counted, with their share of operator time, largest first.

    Those with less than ``least_share`` are left out.
    """
    total = sum(row.self_ns for row in trace.operators.values()) or 1
    found = [(row.uncounted_ns / total, name) for name, row in trace.operators.items() if row.uncounted_ns]
    named = [(share, name) for share, name in found if share >= least_share]
    return tuple(f"{name} ({share * 100:.1f} %)" for share, name in sorted(named, reverse=True))
