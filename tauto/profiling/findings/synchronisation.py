"""Lines of the loop that wait, print or write, beside the model."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tauto.profiling.facts import Facts
from tauto.profiling.findings._base import by_saving, phase_ms, place_of, seen_lines
from tauto.profiling.findings.waste import conversion_in_loop
from tauto.reports.profile import Finding, Gain, LineRow, ProfileReport

__all__ = ["device_waits", "outside_model", "printing", "slow_line"]

WRITING = 0.03
"""Of the looks at the thread."""
SLOW_LINE = 0.1
SLOW_LOSS = 0.3
"""A loss may well take a part of a small model's time."""
OUTSIDE = 0.3
_WRITES = re.compile(
    r"\bprint\(|\blog(?:ger|ging)?\.\w+\(|\.write\(|\bplt\.|savefig\(|display\(|\.add_scalar|torch\.save\("
)
_WAITS = re.compile(r"\.item\(|\.cpu\(|\.tolist\(|\.numpy\(|synchronize\(|float\(|\bprint\(")
_MODEL_PHASES = {"forward", "backward", "optimizer", "data"}


def printing(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find printing, logging or saving at each step."""
    rows = [row for row in _beside(report, facts) if _WRITES.search(row.source)]
    share = sum(row.share for row in rows)
    if share < WRITING:
        return
    worst = max(rows, key=lambda row: row.share)
    yield Finding(
        "printing",
        "The loop prints, draws or writes at each step",
        f"The thread was found there {share:.0%} of the time, most often at {place_of(worst)}.",
        "",
        f"if step % 100 == 0:\n    {_statement(worst)}",
        cause="synchronisation",
        expected=by_saving(
            report, 0.99 * share * report.wall_ms, "the share of looks at the thread; every hundredth step stays"
        ),
    )


def _statement(row: LineRow) -> str:
    """Return the line if it is a whole statement, else where the statement is: it goes on over other lines."""
    source = row.source.strip()
    try:
        ast.parse(source)
    except SyntaxError:
        return f"...  # the statement at {row.file}:{row.line}"
    return source


def device_waits(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find lines that wait for the GPU at each step."""
    if not report.device.startswith("cuda"):
        return
    if facts.scalars_per_step < 1:
        return
    rows = [row for row in _beside(report, facts) if _WAITS.search(row.source)]
    where = f" The thread waited at {place_of(max(rows, key=lambda row: row.share))}." if rows else ""
    yield Finding(
        "device_waits",
        "Each step waits for the GPU to hand over a number",
        f"{facts.scalars_per_step:.0f} numbers a step are brought to the CPU; until one is there, no further work "
        f"is given to the GPU.{where}",
        "",
        "losses.append(loss.detach())  # and .item() once, after the loop",
        cause="synchronisation",
        expected=Gain(None, None, "the GPU's idle time after each wait is to be measured"),
    )


def slow_line(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a line beside the model that takes much of the time, and is none of the known kinds."""
    known = {finding.evidence for finding in conversion_in_loop(report, facts)}
    for row in _beside(report, facts):
        if (
            row.share < (SLOW_LOSS if row.phase == "loss" else SLOW_LINE)
            or _WRITES.search(row.source)
            or any(place_of(row) in text for text in known)
        ):
            continue
        yield Finding(
            "slow_line",
            "A line beside the model takes much of the time",
            f"The thread was found there {row.share:.0%} of the time: {place_of(row)}.",
            "",
            "",
            cause="synchronisation",
            expected=by_saving(
                report, row.share * report.wall_ms, "the share of looks at the thread, if none of it stays"
            ),
        )


def outside_model(report: ProfileReport, facts: Facts) -> Iterator[Finding]:
    """Find a loop that takes long outside the model, where no line and no loader tells why."""
    if not report.root_calls or not report.wall_ms:
        return
    outside = report.outside_ms - max(sum(one.waited_ms for one in facts.loaders), phase_ms(report, facts, "data"))
    explained = sum(
        row.share for row in seen_lines(report, facts) if row.phase not in _MODEL_PHASES and row.share >= WRITING
    )
    if outside < OUTSIDE * report.wall_ms or explained >= OUTSIDE / 2:
        return
    what = "the model, its backward pass and the optimizer" if facts.trains else "the model"
    yield Finding(
        "outside_model",
        f"Much of the time passes outside {what}",
        f"{outside / report.wall_ms:.0%} of {report.wall_ms:,.0f} ms: printing, the loop itself. This shows in which "
        "functions:",
        "%%prun",
        "import cProfile; cProfile.run('your_loop()', sort='cumulative')",
        cause="synchronisation",
        expected=by_saving(report, outside, "at best, all of it"),
    )


def _beside(report: ProfileReport, facts: Facts) -> list[LineRow]:
    """The lines at which the thread was found outside the model and its data."""
    if not report.root_calls:
        return []
    return [row for row in seen_lines(report, facts) if row.phase not in _MODEL_PHASES and not row.waits_for_data]
