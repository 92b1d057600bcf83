"""Figures of a study: the best so far beside random search, what mattered, how settings go together, the front.

Each is data first (a function of the report), then drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tauto.errors import InvalidArgument, did_you_mean
from tauto.rendering.document import clean, shortened
from tauto.reports import StudyReport, StudyTrial

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PANELS", "Axis", "best_so_far", "coordinates", "draw_study", "panels_of"]

PANELS = ("history", "importance", "coordinates", "front")
_BLUE = "#4c8bd6"
_ORANGE = "#d9622b"
_GREY = "#8a8f98"
_MOST_LINES = 200
_MOST_AXES = 8
_MOST_OPTIONS = 8


def panels_of(report: StudyReport, what: str | None) -> list[str]:
    """Return the panels to draw: the one that was asked for, or all for which there is something.

    Raises
    ------
    InvalidArgument
        When there is no such panel, or nothing to draw in it.
    """
    complete = [one for one in report.trials if one.values]
    there = {
        "history": len(report.goals) == 1,
        "importance": any(knob.importance is not None for knob in report.knobs),
        "coordinates": len(complete) > 1 and bool(report.knobs),
        "front": len(report.goals) > 1 and bool(complete),
    }
    if what is None:
        return [name for name in PANELS if there[name]]
    if what not in PANELS:
        raise InvalidArgument(f"what: there is no figure of {what!r}. {did_you_mean(str(what), PANELS)}")
    if not there[what]:
        raise InvalidArgument(f"what: there is nothing to draw of {what!r} in this study. Leave it out.")
    return [what]


def best_so_far(report: StudyReport) -> tuple[list[int], list[float]]:
    """Return how many trials had ended, and the best value until then, from the first feasible one on."""
    pick = max if report.goals[0].direction == "maximize" else min
    counts: list[int] = []
    best: list[float] = []
    ended = 0
    for one in report.trials:
        if one.state in ("running", "waiting", "interrupted"):
            continue
        ended += 1
        if one.feasible or best:
            value = one.values[0] if one.feasible else best[-1]
            counts.append(ended)
            best.append(pick(value, best[-1]) if best else value)
    return counts, best


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of the parallel coordinates: a knob or a goal, each trial at a place from 0 to 1."""

    name: str
    low: str
    high: str
    places: tuple[float | None, ...]
    between: tuple[str, ...] = ()
    """The options between the lowest and the highest, evenly apart; empty for numbers."""


def coordinates(report: StudyReport) -> tuple[tuple[StudyTrial, ...], tuple[Axis, ...]]:
    """Return the trials that have values, and the axes: the knobs, the most important first, then the goals."""
    trials = tuple(one for one in report.trials if one.values)[-_MOST_LINES:]
    axes = [_axis(knob.name, [one.params.get(knob.name) for one in trials], knob.log) for knob in report.knobs]
    goals = [
        _axis(goal.name, [one.values[place] for one in trials], log=False) for place, goal in enumerate(report.goals)
    ]
    return trials, (*axes[:_MOST_AXES], *goals)


def _axis(name: str, values: Sequence[Any], log: bool) -> Axis:
    known = [value for value in values if value is not None]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        options = list(dict.fromkeys(map(str, known)))
        last = max(len(options) - 1, 1)
        return Axis(
            name,
            options[0] if options else "",
            options[-1] if len(options) > 1 else "",
            tuple(None if value is None else options.index(str(value)) / last for value in values),
            tuple(options[1:-1]),
        )
    scale = math.log if log and known and min(known) > 0 else float
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    span = scale(high) - scale(low) or 1.0
    places = tuple(None if value is None else (scale(value) - scale(low)) / span for value in values)
    lowest, highest = (f"{end:.3g}".replace("-", "−") for end in (low, high))
    return Axis(name, lowest, highest, places)


def draw_study(axes: Axes, report: StudyReport, panel: str) -> None:
    """Draw one panel."""
    {"history": _history, "importance": _importance, "coordinates": _coordinates, "front": _front}[panel](axes, report)


def _history(axes: Axes, report: StudyReport) -> None:
    counted = [one for one in report.trials if one.state not in ("running", "waiting", "interrupted")]
    points = [(place, one.values[0]) for place, one in enumerate(counted, start=1) if one.feasible]
    axes.plot([at for at, _ in points], [value for _, value in points], "o", color=_GREY, markersize=3, label="a trial")
    counts, best = best_so_far(report)
    axes.step(counts, best, where="post", color=_BLUE, label="the best so far")
    if len(report.random_best) > 1:
        expected = range(1, len(report.random_best) + 1)
        label = f"random search, expected from the {len(report.random_best)} drawn at random"
        axes.plot(expected, report.random_best, "--", color=_ORANGE, label=label)
    axes.set_xlabel("trials that have ended")
    axes.set_ylabel(_safe(report.goals[0].name))
    if points:
        axes.legend(frameon=False, fontsize="small")


def _importance(axes: Axes, report: StudyReport) -> None:
    known = [(knob.name, knob.importance) for knob in report.knobs if knob.importance is not None]
    bars = axes.barh(range(len(known)), [value for _, value in known], color=_BLUE)
    axes.bar_label(bars, [f"{value:.0%}" for _, value in known], padding=3)
    axes.set_yticks(range(len(known)), [_safe(name) for name, _ in known])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    about = f"importance for {_safe(report.goals[0].name)}" if len(report.goals) > 1 else "importance"
    axes.set_xlabel(f"{about}, estimated by {report.importance_by}")


def _coordinates(axes: Axes, report: StudyReport) -> None:
    trials, lines = coordinates(report)
    several = len(report.goals) > 1
    chosen = set(report.front) if several else {report.best}
    shades = lines[-len(report.goals)].places
    least = report.goals[0].direction == "minimize"
    for row in range(len(trials)):
        points = [(at, axis.places[row]) for at, axis in enumerate(lines)]
        drawn = [(at, place) for at, place in points if place is not None]
        good = shades[row] or 0.0
        good = 0.5 if several else 1 - good if least else good  # of several goals none says which is better
        is_chosen = trials[row].number in chosen
        axes.plot(
            [at for at, _ in drawn],
            [place for _, place in drawn],
            color=_ORANGE if is_chosen else _BLUE,
            alpha=1.0 if is_chosen else 0.08 + 0.5 * good**2,
            zorder=2 + good + is_chosen,
        )
    axes.set_xticks(range(len(lines)), [f"{axis.low}\n{_safe(axis.name)}" for axis in lines], fontsize="small")
    for at, axis in enumerate(lines):
        axes.axvline(at, color=_GREY, linewidth=0.6)
        axes.text(at, 1.03, _safe(axis.high), ha="center", fontsize="small")
        for place, option in enumerate(axis.between[:_MOST_OPTIONS], start=1):
            height = place / (len(axis.between) + 1)
            axes.text(at + 0.03, height, _safe(option), va="bottom", fontsize="small", zorder=5)
    axes.set_yticks([])
    axes.set_ylim(-0.03, 1.12)
    shown = "those of the front in orange" if several else "the darker the better, the best in orange"
    axes.set_xlabel(f"one line for each trial, {shown}; from the smallest value to the largest")


def _front(axes: Axes, report: StudyReport) -> None:
    complete = [one for one in report.trials if one.values]
    front = sorted((report.trial(number) for number in report.front), key=lambda one: one.values[0])
    axes.plot([o.values[0] for o in complete], [o.values[1] for o in complete], "o", color=_GREY, label="a trial")
    axes.plot([o.values[0] for o in front], [o.values[1] for o in front], "o-", color=_BLUE, label="the front")
    for goal, name in zip(report.goals, ("x", "y"), strict=False):
        getattr(axes, f"set_{name}label")(_safe(f"{goal.name} ({goal.direction})"))
    axes.legend(frameon=False, fontsize="small")


def _safe(text: str) -> str:
    # a dollar sign would start a formula
    return shortened(clean(text), 28).replace("$", r"\$")
