"""The page of an :class:`~tauto.reports.ExplorationReport`: every setting that was measured, the fastest first."""

from __future__ import annotations

from tauto.rendering.comparison import conditions
from tauto.rendering.document import Block, Cell, Column, Document, Facts, Note, Row, Table, cell, clean, numeric
from tauto.rendering.numbers import UNKNOWN, data_size, duration, plural, rate, ratio, share
from tauto.reports import ExplorationReport, ExploredSetting
from tauto.reports.exploration import KnobValue

__all__ = ["document", "explain", "headline"]


def headline(report: ExplorationReport) -> str:
    """Return in one line what was fastest."""
    measured = [one for one in report.settings if one.comparison is not None]
    if not measured:
        return "No setting was measured yet" if not report.settings else "None of these settings could be measured"
    best = max(measured, key=_speedup)
    words = f"{plural(len(measured), 'setting')} measured; the fastest is {_words(report, best)}"
    return f"{words}: {ratio(_speedup(best))} against the model as it is"


def _speedup(one: ExploredSetting) -> float:
    return one.comparison.speedup if one.comparison is not None else 0.0


def _words(report: ExplorationReport, one: ExploredSetting) -> str:
    turned = [
        f"{knob.label.lower()} {_value(one.setting.get(knob.name, knob.given))}"
        for knob in report.knobs
        if one.setting.get(knob.name, knob.given) != knob.given
    ]
    return ", ".join(turned) or "the model as it is"


def _value(value: KnobValue) -> str:
    return share(value) if isinstance(value, float) else str(value)


def document(report: ExplorationReport) -> Document:
    """Return the page."""
    columns = (
        Column("Setting"),
        *numeric("Latency, median", "Samples/s", "Speedup", "Size", "Output error"),
        Column("Why"),
    )
    ordered = sorted(report.settings, key=_speedup, reverse=True)
    rows = tuple(_row(report, one) for one in ordered)
    blocks: list[Block] = [
        Table("Settings, each against the model as it is at the same sizes", columns, rows, more="settings", limit=100),
        conditions(report.conditions),
        Note("Each was timed for two seconds at most: a look, not a verdict. tauto.apply measures one to the end."),
    ]
    blocks += [
        Facts(
            f"{clean(knob.label, 60)}: what cannot be had here",
            tuple((clean(k), clean(v)) for k, v in knob.refused.items()),
        )
        for knob in report.knobs
        if knob.refused
    ]
    return Document(f"{report.model} at other settings", headline(report), tuple(blocks))


def _row(report: ExplorationReport, one: ExploredSetting) -> Row:
    setting = cell(_words(report, one))
    compared = one.comparison
    if compared is None:
        return Row((setting, *(Cell(UNKNOWN) for _ in range(5)), cell(one.reason)))
    latency, near = compared.optimized.latency, compared.agreement
    figures = (
        Cell(duration(latency.p50_ms)),
        Cell(rate(latency.throughput_per_s)),
        Cell(ratio(compared.speedup, compared.speedup_interval)),
        Cell(data_size(compared.optimized.size_bytes)),
        Cell(share(near.relative_error) if near is not None else UNKNOWN),
    )
    return Row((setting, *figures, cell(one.reason)), weight=compared.speedup)


def explain(report: ExplorationReport) -> str:
    """Return what was found in sentences."""
    lost = [one for one in report.settings if one.comparison is None]
    lines = [f"{headline(report)}."]
    lines += [f"{_words(report, one)} could not be measured: {one.reason}" for one in lost[:3]]
    return "\n".join(lines)
