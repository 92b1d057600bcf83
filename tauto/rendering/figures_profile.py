"""The figures of a profile: time by module, the phases, memory over time, the roofline; and of what moved."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, get_args

from tauto.errors import InvalidArgument, did_you_mean
from tauto.rendering.branches import shown
from tauto.rendering.change_branches import change_branches
from tauto.rendering.document import clean, shortened
from tauto.rendering.figures_memory import draw_memory
from tauto.rendering.numbers import duration, share
from tauto.rendering.phases import PHASES
from tauto.rendering.view import View
from tauto.reports import ModuleRow, ProfileComparison, ProfileReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PANELS", "Panel", "draw_changes", "draw_panel", "panels_of", "rows_of"]

Panel = Literal["modules", "phases", "memory", "roofline"]
PANELS: tuple[Panel, ...] = get_args(Panel)
_ROWS = 20
_BLUE = "#4c8bd6"
_GREY = "#8a8f98"
_ORANGE = "#d9622b"
# Okabe and Ito's palette
_BOUND = {"compute": ("#0072b2", "o"), "memory": ("#e69f00", "s"), "overhead": ("#cc79a7", "^"), None: (_GREY, "x")}
_NAMED = 5


def _name(text: str, length: int = 60) -> str:
    # a dollar sign would start a formula
    return shortened(clean(text), length).replace("$", r"\$")


def panels_of(report: ProfileReport, wanted: str | None = None) -> tuple[Panel, ...]:
    """Return what can be drawn of ``report``: the panel ``wanted``, or all for which there are figures.

    Raises
    ------
    InvalidArgument
        When there is no such panel, or this report has nothing for it.
    """
    there: dict[Panel, bool] = {
        "modules": True,
        "phases": any(phase.total_ms > 0 for phase in report.phases),
        "memory": report.memory is not None,
        "roofline": bool(report.ceilings and _points(report)),
    }
    if wanted is None:
        return tuple(panel for panel in PANELS if there[panel])
    if wanted not in there:
        close = did_you_mean(str(wanted), PANELS)
        raise InvalidArgument(f"what: {wanted!r} is none of {', '.join(PANELS)}. {close}".rstrip())
    panel = next(name for name in PANELS if name == wanted)
    if not there[panel]:
        have = ", ".join(name for name in PANELS if there[name])
        raise InvalidArgument(
            f"what: this profile has no figures for {wanted!r}, as nothing was traced. It has: {have}."
        )
    return (panel,)


def rows_of(report: ProfileReport, panel: Panel) -> int:
    """Return how high a panel is, in rows of bars."""
    return {"modules": min(len(_own(report)), _ROWS), "phases": 6, "memory": 11, "roofline": 13}[panel]


def draw_panel(axes: Axes, report: ProfileReport, panel: Panel) -> None:
    """Draw one panel of ``report`` into ``axes``."""
    draw: dict[Panel, Callable[[Axes, ProfileReport], None]] = {
        "modules": _modules,
        "phases": _phases,
        "memory": _memory,
        "roofline": _roofline,
    }
    draw[panel](axes, report)


def _own(report: ProfileReport) -> list[ModuleRow]:
    return [line.row for line in shown(report.modules, View(sort="self"))]


def _modules(axes: Axes, report: ProfileReport) -> None:
    rows = _own(report)[:_ROWS]
    places = range(len(rows))
    axes.set_title("Time by module", loc="left", fontsize="medium")
    axes.barh(places, [row.self_ms for row in rows], color=_BLUE)
    axes.set_yticks(places, [_name(f"{row.path or 'the model'} ({row.kind})") for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("self time over the traced calls, ms")


def _phases(axes: Axes, report: ProfileReport) -> None:
    phases = sorted(report.phases, key=lambda phase: list(PHASES).index(phase.name))
    whole = sum(phase.total_ms for phase in phases) or 1.0
    places = range(len(phases))
    bars = axes.barh(places, [phase.total_ms / 1000 for phase in phases], color=_BLUE)
    axes.set_title("Where the wall time goes", loc="left", fontsize="medium")
    axes.bar_label(bars, [share(phase.total_ms / whole) for phase in phases], padding=3)
    axes.set_yticks(places, [PHASES[phase.name] for phase in phases])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("seconds")


def _memory(axes: Axes, report: ProfileReport) -> None:
    axes.set_title("Memory over time", loc="left", fontsize="medium")
    if report.memory is not None:
        draw_memory(axes, report.memory)


def _points(report: ProfileReport) -> list[tuple[float, float, ModuleRow]]:
    """Return FLOPs a byte and GFLOP/s of each module that computes and moves data; folded blocks as one."""
    rows = [line.row for line in shown(report.modules, View(sort="total"))]
    return [
        (row.flops / row.bytes_moved, row.flops / row.total_ms / 1e6, row)
        for row in rows
        if row.flops > 0 and row.bytes_moved > 0 and row.total_ms > 0
    ]


def _roofline(axes: Axes, report: ProfileReport) -> None:
    points = _points(report)
    whole = max(row.total_ms for _, _, row in points)
    for bound, (colour, marker) in _BOUND.items():
        chosen = [point for point in points if point[2].bound == bound]
        sizes = [25 + 300 * row.self_ms / whole for _, _, row in chosen]
        if chosen:
            xs, ys = [x for x, _, _ in chosen], [y for _, y, _ in chosen]
            label = f"bound by {bound}" if bound else "not known"
            axes.scatter(xs, ys, s=sizes, marker=marker, color=colour, alpha=0.7, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    _roofs(axes, report, [x for x, _, _ in points])
    for x, y, row in _apart(sorted(points, key=lambda point: -point[2].self_ms)):
        name = _name(row.path or "the model", 32)
        axes.annotate(name, (x, y), xytext=(5, 5), textcoords="offset points", fontsize=8)
    axes.set_title("Roofline: every module under what this machine can do", loc="left", fontsize="medium")
    axes.set_xlabel("FLOPs for each byte moved")
    axes.set_ylabel("GFLOP/s")
    axes.legend(loc="lower right", frameon=False, fontsize=8)


def _apart(points: list[tuple[float, float, ModuleRow]]) -> list[tuple[float, float, ModuleRow]]:
    """Return the first few that leave room for each other's names: a third of a decade up, or a decade across."""
    kept: list[tuple[float, float, ModuleRow]] = []
    for x, y, row in points:
        if all(abs(math.log10(y / up)) > 0.33 or abs(math.log10(x / across)) > 1 for across, up, _ in kept):
            kept.append((x, y, row))
        if len(kept) == _NAMED:
            break
    return kept


def _roofs(axes: Axes, report: ProfileReport, intensities: list[float]) -> None:
    """Draw the measured ceilings: products flat, copies as slopes up to the highest of them."""
    flat = [one for one in report.ceilings if one.unit == "GFLOP/s"]
    slopes = [one for one in report.ceilings if one.unit == "GB/s"]
    top = max((one.value for one in flat), default=1.0)
    left = min(intensities) / 3
    right = max([*intensities, *(top / one.value for one in slopes)]) * 3
    for one in slopes:
        knee = top / one.value
        axes.plot([left, knee], [left * one.value, top], color=_GREY, linewidth=1, linestyle="--")
        axes.annotate(
            f"{one.resource}, {one.value:,.3g} GB/s", (left, left * one.value), xytext=(4, 6),
            textcoords="offset points", fontsize=8, color=_GREY, rotation=0,
        )  # fmt: skip
    fastest = max((one.value for one in slopes), default=0.0)
    below = 0.0
    for one in sorted(flat, key=lambda one: one.value):
        begin = one.value / fastest if fastest else left
        axes.plot([begin, right], [one.value, one.value], color=_GREY, linewidth=1)
        precision = one.resource.rpartition(", ")[2]
        axes.annotate(
            f"{precision}, {one.value:,.3g} GFLOP/s", (right, one.value), textcoords="offset points", fontsize=8,
            color=_GREY, ha="right", xytext=(0, 3 if one.value > 1.7 * below else 12),
        )  # fmt: skip
        below = one.value
    axes.set_xlim(left, right)


def draw_changes(axes: Axes, report: ProfileComparison) -> None:
    """Draw by how much the time of each module itself moved, the largest changes first."""
    branches = [branch for top in change_branches(report.modules) for branch in top.walk()]
    moved = [branch.change for branch in branches if branch.change.moved_self_ms]
    rows = sorted(moved, key=lambda row: -abs(row.moved_self_ms))[:_ROWS]
    places = range(len(rows))
    colours = [_BLUE if row.moved_self_ms < 0 else _ORANGE for row in rows]
    bars = axes.barh(places, [row.moved_self_ms for row in rows], color=colours)
    signs = [f"{'+' if row.moved_self_ms > 0 else '−'}{duration(abs(row.moved_self_ms))}" for row in rows]
    axes.bar_label(bars, signs, padding=3, fontsize=8)
    words = {"gone": ", gone", "new": ", new"}
    axes.set_yticks(places, [_name(f"{row.path or row.root} ({row.kind}{words.get(row.match, '')})") for row in rows])
    axes.axvline(0, color=_GREY)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("change of self time per call of the model, ms (left: faster)")
