"""The page of a :class:`~tauto.reports.StudyReport`: the best settings, which knobs mattered, and every trial."""

from __future__ import annotations

import math
from collections import Counter
from statistics import stdev
from typing import Any

from tauto.rendering.document import Block, Cell, Column, Document, Facts, Items, Mark, Note, Row, Table, cell, clean
from tauto.rendering.numbers import UNKNOWN, metric, number, plural, seconds, share
from tauto.reports import StudyReport, StudyTrial

__all__ = ["document", "explain", "headline", "setting", "settings"]

_SHOWN = 20
_NUMBERS = 10
"""Trials named that failed for one reason; the table has all."""
_REASONS = 3
"""Reasons told in sentences."""
_WORDS = {
    "complete": "",
    "stopped_early": "stopped early",
    "failed": "failed",
    "interrupted": "interrupted",
    "running": "still running",
    "waiting": "waiting",
}


def setting(value: Any) -> str:
    """Return one value of a knob."""
    return number(value, 4) if isinstance(value, float) else str(value)


def settings(trial: StudyTrial) -> str:
    """Return the values of the knobs of ``trial``."""
    return ", ".join(f"{name} = {setting(value)}" for name, value in trial.params.items()) or "no knobs"


def headline(report: StudyReport) -> str:
    """Return in one line the best that was found."""
    ended = plural(sum(one.state not in ("running", "waiting", "interrupted") for one in report.trials), "trial")
    if report.best is not None:
        return f"Best {_values(report, report.trial(report.best))} in {ended}: {settings(report.trial(report.best))}"
    if report.front:
        names = " and ".join(goal.name for goal in report.goals)
        return f"{plural(len(report.front), 'trial')} of {ended} that no other beats in {names}"
    if report.nearest is not None:
        one = report.trial(report.nearest)
        return f"No trial of {ended} keeps the constraints; the nearest breaks {_broken(one)}"
    return f"No result in {ended}: {_why_none(report)}"


def _why_none(report: StudyReport) -> str:
    """Return what the trials failed by, where it is one thing; else why the search ended."""
    reasons = {one.reason for one in report.trials if one.state == "failed"}
    if len(reasons) == 1 and not report.stopped.startswith("the first"):
        failed = sum(one.state == "failed" for one in report.trials)
        return f"{'each' if failed > 1 else 'it'} {reasons.pop()}"
    return report.stopped or "none came to its end"


def _broken(one: StudyTrial) -> str:
    over = {name: value for name, value in (one.over or {}).items() if value > 0}
    return " and ".join(f"{name} by {number(value)}" for name, value in over.items())


def _values(report: StudyReport, one: StudyTrial) -> str:
    if not one.values:
        return UNKNOWN
    parts = [
        metric(goal.name, value) if goal.name == "value" else f"{goal.name} {metric(goal.name, value)}"
        for goal, value in zip(report.goals, one.values, strict=True)
    ]
    return ", ".join(parts) + _spread(one)


def _spread(one: StudyTrial) -> str:
    return f" ± {number(stdev(one.by_seed), 2)}" if len(one.by_seed) > 1 else ""


def document(report: StudyReport) -> Document:
    """Return the page."""
    blocks: list[Block] = []
    if report.interrupted:
        blocks.append(Note("Stopped by hand: this is what was found until then; the same line goes on."))
    blocks += [*_chosen(report), *_knobs(report), *_trials(report), *_failures(report)]
    blocks += [Note(text) for text in report.notes]
    blocks.append(_about(report))
    tone: Any = "good" if report.best is not None or report.front else "bad"
    return Document(f"Study {report.name} of {report.subject}", headline(report), tuple(blocks), tone)


def _chosen(report: StudyReport) -> list[Block]:
    if report.best is not None:
        one = report.trial(report.best)
        rows = [(name, setting(value)) for name, value in one.params.items()]
        extra = [(name, number(value)) for name, value in (one.figures or {}).items() if len(one.figures or {}) > 1]
        where = [("on", report.machines.get(one.machine, UNKNOWN))] if len(report.machines) > 1 else []
        return [Facts(f"The best, trial {one.number}", (*rows, *extra, *where))]
    if report.front:
        return [_table(report, "The front: no other trial beats these in everything", report.front)]
    if report.nearest is not None:
        one = report.trial(report.nearest)
        return [Facts(f"The nearest, trial {one.number}", tuple((k, setting(v)) for k, v in one.params.items()))]
    return []


def _knobs(report: StudyReport) -> list[Block]:
    if not report.knobs:
        return []
    columns = (Column("Knob", shorten=True), Column("Values"), Column("Importance", number=True))
    rows = tuple(
        Row(
            (
                cell(knob.name, code=True),
                cell(knob.values),
                Cell(share(knob.importance), None if knob.importance is None else Mark(min(knob.importance, 1.0), 1.0)),
            ),
            knob.importance or 0.0,
        )
        for knob in report.knobs
    )
    of = f" in {report.goals[0].name}" if len(report.goals) > 1 else ""
    legend = f"Bars: an estimate ({report.importance_by}) of how much of the differences{of} each knob explains."
    return [Table("Knobs, the most important first", columns, rows, "knobs", _SHOWN, legend=legend)]


def _trials(report: StudyReport) -> list[Block]:
    if not report.trials:
        return []
    return [_table(report, "Trials, the best kept where not all are shown", tuple(t.number for t in report.trials))]


def _table(report: StudyReport, caption: str, numbers: tuple[int, ...]) -> Table:
    seeded = report.seeds > 1
    columns = (
        Column("Trial", number=True),
        *(Column("Value" if goal.name == "value" else clean(goal.name, 24), number=True) for goal in report.goals),
        *([Column("± seeds", number=True)] if seeded else []),
        Column("Settings", shorten=True),
        Column("What became of it", shorten=True),
        Column("Took", number=True),
        *([Column("Machine")] if len(report.machines) > 1 else []),
    )
    rows = tuple(_row(report, report.trial(one), place, seeded) for place, one in enumerate(numbers))
    return Table(caption, columns, rows, "trials", _SHOWN)


def _row(report: StudyReport, one: StudyTrial, place: int, seeded: bool) -> Row:
    figures = [metric(goal.name, value) for goal, value in zip(report.goals, one.values, strict=False)]
    became = _WORDS[one.state] or one.reason
    if one.state == "interrupted" and one.reason:
        became += f": {one.reason}"
    if one.state == "stopped_early" and one.step is not None:
        became += f" at step {one.step}"
    if one.state == "complete" and not one.feasible:
        became = f"breaks {_broken(one)}"
    sign = -1.0 if report.goals and report.goals[0].direction == "minimize" else 1.0
    weight = sign * one.values[0] if one.values and one.feasible else -math.inf
    return Row(
        (
            Cell(str(one.number), strong=one.number == report.best),
            *(Cell(text) for text in figures or [UNKNOWN] * len(report.goals)),
            *([Cell(_spread(one).removeprefix(" ± ") or UNKNOWN)] if seeded else []),
            cell(settings(one)),
            cell(became),
            Cell(seconds(one.seconds)),
            *([Cell(one.machine or UNKNOWN)] if len(report.machines) > 1 else []),
        ),
        weight if math.isfinite(weight) else -1e300 + place,
    )


def _failures(report: StudyReport) -> list[Block]:
    counted = Counter(one.reason for one in report.trials if one.state == "failed")
    if not counted:
        return []
    numbers = {reason: [one.number for one in report.trials if one.reason == reason] for reason in counted}
    items = tuple(
        (plural(times, "trial"), f"{reason} ({'trial' if times == 1 else 'trials'} {_numbers(numbers[reason])})", ())
        for reason, times in counted.most_common()
    )
    return [Items("Trials that failed", items, more="reasons")]


def _in_trials(report: StudyReport) -> str:
    """Return what the trials took together, which is not all that the search took."""
    words = seconds(sum(one.seconds or 0.0 for one in report.trials))
    if report.earlier:
        return f"{words}, with those before"
    rest = "; the rest: starting their processes, the study, choosing values"
    return words + rest * bool(report.wall_s)


def _numbers(numbers: list[int]) -> str:
    named = ", ".join(map(str, numbers[:_NUMBERS]))
    return f"{named} and {len(numbers) - _NUMBERS:,} more" if len(numbers) > _NUMBERS else named


def _about(report: StudyReport) -> Facts:
    limit = [seconds(report.budget_s)] if report.budget_s is not None else []
    limit += [plural(report.wanted, "trial")] if report.wanted is not None else []
    new = sum(one.state not in ("running", "waiting", "interrupted") for one in report.trials) - report.earlier
    rows = [
        ("Study", f"{report.name}, in {report.storage}"),
        ("To", ", ".join([*(f"{goal.direction} {goal.name}" for goal in report.goals), *report.constraints])),
        ("Trials", f"{new:,} now" + (f", {report.earlier:,} before" if report.earlier else "")),
        *([("Ended", report.stopped)] if report.stopped else []),
        *([("Sampler", f"{report.sampler}, early stopping by {report.pruner}")] if report.sampler else []),
        *([("Seeds", f"{report.seeds} for each trial: the mean counts")] if report.seeds > 1 else []),
        *([("Took", f"{seconds(report.wall_s)}" + f" of {' or '.join(limit)}" * bool(limit))] if report.wall_s else []),
        *([("In trials", _in_trials(report))] if any(one.seconds for one in report.trials) else []),
        *_machines(report),
    ]
    return Facts("How it was found", tuple(rows))


def _machines(report: StudyReport) -> list[tuple[str, str]]:
    if len(report.machines) < 2:
        one = report.machine or next(iter(report.machines.values()), "")
        return [("Machine", one)] if one else []
    counted = Counter(one.machine for one in report.trials)
    return [
        (f"Machine {fingerprint}", f"{words}: {plural(counted[fingerprint], 'trial')}")
        for fingerprint, words in report.machines.items()
    ]


def explain(report: StudyReport) -> str:
    """Return what was found in plain sentences."""
    lines = [f"{headline(report)}."]
    known = [knob for knob in report.knobs if knob.importance is not None]
    if known:
        words = ", ".join(f"{knob.name} {share(knob.importance)}" for knob in known[:3])
        of = f" for {report.goals[0].name}" if len(report.goals) > 1 else ""
        lines.append(f"The knobs that matter most{of}, by an estimate ({report.importance_by}): {words}.")
    counted = Counter(one.state for one in report.trials)
    for state in ("stopped_early", "failed", "interrupted"):
        if counted[state]:
            lines.append(f"{plural(counted[state], 'trial')}: {_WORDS[state]}.")
    reasons = Counter(one.reason for one in report.trials if one.state == "failed").most_common()
    lines += [f"{plural(times, 'trial')} failed: it {reason}." for reason, times in reasons[:_REASONS]]
    if others := sum(times for _, times in reasons[_REASONS:]):
        lines.append(f"{plural(others, 'other trial')} failed for {plural(len(reasons) - _REASONS, 'other reason')}.")
    if report.stopped:
        lines.append(f"The search ended because {report.stopped}.")
    lines.append(f"It is kept as the study {report.name} in {report.storage}; the same line goes on with it.")
    return "\n".join(lines)
