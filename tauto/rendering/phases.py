"""How a profile shows the course of a cell: its phases and steps, the lines of code, and the use of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tauto.rendering.document import Block, Cell, Column, Facts, Mark, Row, Table, cell, numeric
from tauto.rendering.numbers import count, data_size, duration, plural, share
from tauto.reports import LineRow, Phase, ProfileReport, Steps, Usage
from tauto.reports.profile import PhaseName

__all__ = ["PHASES", "line_blocks", "phase_blocks", "spark", "step_words", "usage_blocks"]

PHASES: dict[PhaseName, str] = {
    "data": "waiting for data",
    "forward": "forward pass",
    "loss": "loss",
    "backward": "backward pass",
    "optimizer": "optimizer step",
    "other": "everything else",
}
_COLUMNS = (Column("Phase"), *numeric("Share", "Time", "Times"))
_LINES = (
    Column("Line", shorten=True),
    Column("Code", shorten=True),
    Column("Share", number=True),
    Column("During"),
)
_LEVELS = "▁▂▃▄▅▆▇█"
_MOMENTS = 40
_SAMPLED = 8


def phase_blocks(report: ProfileReport) -> list[Block]:
    """Return the table of the phases, in the order in which a step passes through them."""
    phases = [phase for phase in report.phases if phase.total_ms > 0]
    if not phases:
        return []
    ordered = sorted(phases, key=lambda phase: list(PHASES).index(phase.name))
    whole = sum(phase.total_ms for phase in phases)
    rows = tuple(_phase(phase, whole) for phase in ordered)
    return [Table("Where the wall time goes", _COLUMNS, rows, more="phases", bars_in_text=True)]


def _phase(phase: Phase, whole: float) -> Row:
    part = phase.total_ms / whole if whole > 0 else 0.0
    times = Cell(count(phase.calls) if phase.calls else "–")
    cells = (cell(PHASES[phase.name]), Cell(share(part), Mark(part, 1.0)), Cell(duration(phase.total_ms)), times)
    return Row(cells, weight=phase.total_ms)


def step_words(steps: Steps) -> str:
    """Return the steps that were found and which were traced, such as ``400 optimizer steps, …; traced: 2 to 6``."""
    found = (
        f"{plural(steps.count, steps.unit)}, {duration(steps.median_ms)} at the median, {duration(steps.p95_ms)} p95"
    )
    if not steps.sampled:
        return f"{found}; none was traced operator by operator"
    return f"{found}; traced operator by operator: {_runs(steps.sampled)}"


def _runs(numbers: Sequence[int]) -> str:
    """Return ``2 to 6, 40, 41``: numbers in turn joined."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    joins = {0: "", 1: ", "}
    words = [
        f"{first}" if first == last else f"{first}{joins.get(last - first, ' to ')}{last}" for first, last in spans
    ]
    more = f" and {len(words) - _SAMPLED} more stretches" if len(words) > _SAMPLED else ""
    return ", ".join(words[:_SAMPLED]) + more


def line_blocks(lines: Sequence[LineRow]) -> list[Block]:
    """Return the table of the lines at which the thread of the cell was found."""
    ranked = sorted(lines, key=lambda line: -line.share)
    rows = tuple(
        Row(
            (
                cell(f"{line.file}:{line.line}", code=True),
                cell(line.source, code=True),
                Cell(share(line.share), Mark(line.share, 1.0)),
                cell(PHASES[line.phase] + (" (the loop's iterator)" if line.waits_for_data else "")),
            ),
            weight=line.share,
        )
        for line in ranked
    )
    if not rows:
        return []
    legend = (
        "How often the thread of the cell was found at each line, looked at again and again; estimated, not counted."
    )
    return [Table("Time by line of your code", _LINES, rows, more="lines", limit=8, bars_in_text=True, legend=legend)]


def spark(values: Sequence[float], top: float | None = None) -> str:
    """Return ``values`` as a line of little bars, from 0 to ``top`` (default the largest), at most 40 of them.

    Examples
    --------
    >>> spark([0, 1, 2, 4])
    '▁▃▄█'
    """
    if not values:
        return ""
    moments = _thinned(values)
    height = top if top is not None else max(moments)
    if height <= 0:
        return _LEVELS[0] * len(moments)
    return "".join(_LEVELS[round(min(max(value / height, 0.0), 1.0) * (len(_LEVELS) - 1))] for value in moments)


def _thinned(values: Sequence[float]) -> list[float]:
    if len(values) <= _MOMENTS:
        return list(values)
    edges = [round(index * len(values) / _MOMENTS) for index in range(_MOMENTS + 1)]
    return [max(values[low:high]) for low, high in pairwise(edges)]


def usage_blocks(usage: Usage) -> list[Block]:
    """Return how busy the cores and the GPU were and how much memory the process had, along the cell."""
    rows: list[tuple[str, str]] = []
    if usage.process_bytes:
        first, most = usage.process_bytes[0], max(usage.process_bytes)
        rows.append(
            ("Process memory", f"{spark(usage.process_bytes)} {data_size(first)} at first, {data_size(most)} most")
        )
    cores = [one for one in usage.core_shares if one]
    for number, shares in enumerate(cores[:8]):
        rows.append((f"Core {number}", f"{spark(shares, 1.0)} {share(sum(shares) / len(shares))} busy"))
    if len(cores) > 8:
        rest = [sum(shares) / len(shares) for shares in cores[8:]]
        rows.append((f"{len(rest)} more cores", f"{share(sum(rest) / len(rest))} busy on average"))
    if usage.gpu_shares:
        mean = sum(usage.gpu_shares) / len(usage.gpu_shares)
        rows.append(("GPU", f"{spark(usage.gpu_shares, 1.0)} {share(mean)} busy"))
    return [Facts("Use of the machine along the cell", tuple(rows))] if rows else []
