"""Two past runs side by side: the figures that both have, and what keeps them from being compared."""

from __future__ import annotations

from dataclasses import dataclass

from tauto.rendering.document import Column, Document, Note, Row, Table, cell
from tauto.rendering.layers import decibels
from tauto.rendering.numbers import UNKNOWN, count, data_size, duration, metric, ratio, seconds, share
from tauto.rendering.pages import headline
from tauto.reports import Comparison, Conditions, ProfileReport, Report, SensitivityReport, StudyReport, TuningReport

__all__ = ["RunsCompared", "compared", "document"]

Facts = dict[str, str]


@dataclass(frozen=True, slots=True)
class RunsCompared:
    """What two runs say of the same things, in words with units; a dash where one says nothing."""

    rows: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]


def compared(first: Report, second: Report) -> RunsCompared:
    """Return the figures of two reports side by side.

    Examples
    --------
    >>> compared(yesterday, today).rows[0]  # doctest: +SKIP
    ('Speedup', '1.42× (1.40–1.45)', '2.31× (2.25–2.37)')
    """
    left, right = _facts(first), _facts(second)
    names = list(dict.fromkeys([*left, *right]))
    rows = tuple((name, left.get(name, UNKNOWN), right.get(name, UNKNOWN)) for name in names)
    return RunsCompared(rows, tuple(_notes(first, second)))


def document(found: RunsCompared, titles: tuple[str, str]) -> Document:
    """Return the page; ``titles`` name the two runs."""
    columns = (Column("Of the run"), Column(titles[0], number=True), Column(titles[1], number=True))
    rows = tuple(Row(tuple(cell(text) for text in row)) for row in found.rows)
    table = Table("Side by side", columns, rows, more="figures")
    return Document("Two runs", " and ".join(titles), (*map(Note, found.notes), table))


def _facts(report: Report) -> Facts:
    """Return what ``report`` says, in the order in which a reader asks."""
    facts: Facts = {"What came of it": headline(report)}
    match report:
        case TuningReport():
            winner = next((trial for trial in report.trials if trial.number == report.winner), None)
            facts["Verdict"] = report.verdict.replace("_", " ")
            facts["Recipe"] = winner.recipe.title if winner else "the original"
            proof = report.confirmed or (winner.comparison if winner else None)
            facts |= _comparison(proof) if proof is not None else {}
            facts |= {"Trials": count(len(report.trials)), "Took": seconds(report.wall_s)}
            facts |= _conditions(report.conditions)
        case Comparison():
            facts |= {"Verdict": report.verdict, **_comparison(report), **_conditions(report.conditions)}
        case SensitivityReport():
            facts["All layers quantized"] = decibels(report.together.snr_db if report.together else None)
            facts |= {one.metric: metric(one.metric, one.optimized) for one in report.together_quality}
            facts |= {"Layers": count(len(report.rows)), "Size": data_size(report.size_bytes)}
            facts |= {"Took": seconds(report.wall_s), **_conditions(report.conditions)}
        case ProfileReport():
            facts["Wall time"] = duration(report.wall_ms)
            facts["A step"] = duration(report.steps.median_ms if report.steps else None)
            facts |= {"Peak memory": data_size(report.peak_bytes), "Findings": count(len(report.findings))}
            facts |= {"Threads": count(report.threads), "Machine": report.machine}
        case StudyReport():
            best = next((trial for trial in report.trials if trial.number == report.best), None)
            facts["Trials"] = count(len(report.trials))
            facts |= {f"Best {name}": str(value) for name, value in (best.params if best else {}).items()}
            facts |= {"Took": seconds(report.wall_s), "Machine": report.machine}
    return facts


def _comparison(found: Comparison) -> Facts:
    facts = {
        "Speedup": ratio(found.speedup, found.speedup_interval),
        "Time of a call": duration(found.optimized.latency.p50_ms),
        "Size": f"{data_size(found.optimized.size_bytes)} ({ratio(found.size_ratio)})",
        "Memory": ratio(found.memory_ratio),
    }
    facts |= {one.metric: metric(one.metric, one.optimized) for one in found.quality}
    if found.agreement is not None:
        facts["Relative error of the outputs"] = share(found.agreement.relative_error)
    return facts


def _conditions(held: Conditions) -> Facts:
    return {"Machine": held.machine, "Threads": count(held.threads), "Inputs": ", ".join(held.shapes)}


def _notes(first: Report, second: Report) -> list[str]:
    notes = []
    if first.kind != second.kind:
        notes.append("These are runs of different kinds: they have few figures in common.")
    machines = [_machine(report) for report in (first, second)]
    if all(machines) and machines[0] != machines[1]:
        notes.append("They were measured on different machines: their times and speedups cannot be compared.")
    return notes


def _machine(report: Report) -> str:
    held = getattr(report, "conditions", None)
    return held.fingerprint if isinstance(held, Conditions) else str(getattr(report, "fingerprint", ""))
