"""The page of a :class:`~tauto.reports.WeightsReport`: what quantization and pruning will meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from tauto.rendering.document import Block, Cell, Column, Document, Facts, Folded, Items, Note, Row, Table, cell
from tauto.rendering.numbers import count, data_size, number, plural, share
from tauto.reports import WeightRow, WeightsReport

__all__ = ["HARD_DB", "bars", "document", "explain", "headline"]

HARD_DB = 30.0
"""Below this, rounding to int8 is likely to be felt; weights without outliers have about 40 (an indication only)."""

_FIRST = 16
_BLOCKS = " ▁▂▃▄▅▆▇█"
_COLUMNS = (
    Column("Parameter", shorten=True),
    Column("Kind", in_text=False),
    Column("Elements", number=True),
    Column("Low", number=True),
    Column("High", number=True),
    Column("Deviation", number=True, in_text=False),
    Column("Shape"),
    Column("Outliers", number=True),
    Column("Zeros", number=True),
    Column("Half", number=True),
    Column("int8", number=True),
    Column("Channel", number=True),
    Column("Kurtosis", number=True, in_text=False),
)


def headline(report: WeightsReport) -> str:
    """Return in one line what quantization and pruning will meet."""
    hard = sum(_hard(row.int8_tensor_db) for row in report.rows)
    still = sum(_hard(row.int8_channel_db) for row in report.rows)
    whole = report.elements or 1
    zeros = sum(row.zeros * row.elements for row in report.rows) / whole
    bad = sum(row.not_finite for row in report.rows)
    words = f"{plural(report.elements, 'weight')} in {plural(len(report.rows), 'parameter')}, {share(zeros)} zero; "
    words += f"int8 with one scale is coarse for {hard}, with one a channel for {still}" if hard else "int8 is fine"
    return f"{words}; {plural(bad, 'value')} not finite" if bad else words


def document(report: WeightsReport) -> Document:
    """Return the page."""
    matrices = [row for row in report.rows if len(row.shape) >= 2]
    vectors = [row for row in report.rows if len(row.shape) < 2]
    blocks: list[Block] = [Items("What stands out", tuple(_notable(report)), more="things")]
    blocks.append(_table("Weights", matrices, limit=_FIRST))
    if len(matrices) > _FIRST:
        blocks.append(Folded(f"More of the {len(matrices):,}", (_table("Weights", matrices, limit=80),)))
    if vectors:
        table = _table("Biases, norms and other vectors", vectors, limit=60)
        blocks.append(Folded(f"{plural(len(vectors), 'vector')}: biases and norms", (table,)))
    blocks.append(_sparsity(report, matrices))
    if report.skipped:
        rows = tuple((one.name, f"{one.kind}, {one.reason}") for one in report.skipped[:20])
        more = (("…", f"and {len(report.skipped) - 20:,} more"),) if len(report.skipped) > 20 else ()
        blocks.append(Facts("Not analysed", rows + more))
    blocks.append(
        Note(
            "int8 is the signal over the noise of rounding, in dB: with one scale for the whole parameter, and under "
            "Channel with one for each output channel; 6 dB more is one bit more. Shape is the histogram from low to "
            "high. Half is the share of the squared sum that pruning the smaller half of the weights would take. "
            "Outliers lie over six deviations from the mean."
        )
    )
    return Document(f"Weights of {report.model}", headline(report), tuple(blocks))


def _hard(decibels: float | None) -> bool:
    return decibels is not None and decibels < HARD_DB


def _table(caption: str, rows: Iterable[WeightRow], limit: int) -> Table:
    return Table(caption, _COLUMNS, tuple(map(_row, rows)), more="parameters", limit=limit)


def _row(row: WeightRow) -> Row:
    cells = (
        cell(row.name, code=True),
        cell(row.kind),
        Cell(count(row.elements)),
        Cell(number(row.low, 2)),
        Cell(number(row.high, 2)),
        Cell(number(row.deviation, 2)),
        Cell(bars(row.histogram)),
        Cell(count(row.outliers)),
        Cell(share(row.zeros)),
        Cell(share(row.smallest_half)),
        Cell(_decibels(row.int8_tensor_db)),
        Cell(_decibels(row.int8_channel_db)),
        Cell(number(row.excess_kurtosis, 2)),
    )
    return Row(cells, weight=row.elements)


def _decibels(value: float | None) -> str:
    return number(value) if value is None or value == float("inf") else f"{value:.0f} dB"


def bars(histogram: tuple[int, ...], columns: int = 10) -> str:
    """Return the histogram as a line of small bars."""
    if not histogram:
        return ""
    edges = [round(index * len(histogram) / columns) for index in range(columns + 1)]
    sums = [sum(histogram[low:high]) for low, high in pairwise(edges)]
    top = max(sums) or 1
    return "".join(_BLOCKS[-(-8 * one // top)] for one in sums)


def _sparsity(report: WeightsReport, rows: list[WeightRow]) -> Table:
    whole = sum(row.elements for row in rows) or 1

    def part(values: Iterable[float]) -> str:
        return share(sum(value * row.elements for value, row in zip(values, rows, strict=True)) / whole)

    lines = [("exactly zero", part(row.zeros for row in rows))]
    lines += [
        (f"at most {threshold:g}", part(row.below[index] for row in rows))
        for index, threshold in enumerate(report.thresholds)
        if all(index < len(row.below) for row in rows)
    ]
    table = tuple(Row((cell(name), Cell(value))) for name, value in lines) if rows else ()
    return Table("Sparsity of the weights, biases and norms apart", (Column("Magnitude"), Column("Share", True)), table)


def _notable(report: WeightsReport) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    if bad := [row for row in report.rows if row.not_finite]:
        yield "Values that are not finite", _named(bad, lambda row: plural(row.not_finite, "value")), ()
    hard = sorted((row for row in report.rows if _hard(row.int8_tensor_db)), key=lambda row: row.int8_tensor_db or 0)
    if hard:
        words = _named(hard, lambda row: f"{_decibels(row.int8_tensor_db)}, {_decibels(row.int8_channel_db)} a channel")
        yield "Coarse in int8 with one scale: few large values stretch it", words, ()
    if dead := [row for row in report.rows if row.dead_channels]:
        words = _named(dead, lambda row: f"{row.dead_channels:,} of {row.channels or 0:,}")
        yield "Dead channels: pruning them costs nothing where what follows adds nothing to them", words, ()
    if shared := [row for row in report.rows if row.also]:
        yield "Shared weights, counted once", _named(shared, lambda row: f"also {', '.join(row.also[:3])}"), ()
    whole = sum(row.elements for row in report.rows) or 1
    if large := [row for row in report.rows if row.elements > 0.4 * whole and len(report.rows) > 2]:
        yield "Much of the size is in one parameter", _named(large, lambda row: share(row.elements / whole)), ()


def _named(rows: list[WeightRow], words: Callable[[WeightRow], str]) -> str:
    named = [f"{row.name} ({words(row)})" for row in rows[:5]]
    return ", ".join(named) + (f", and {len(rows) - 5:,} more" if len(rows) > 5 else "") + "."


def explain(report: WeightsReport) -> str:
    """Return what was found in plain sentences."""
    lines = [f"{report.model} has {headline(report)}, {data_size(report.size_bytes)}."]
    lines += [f"{title}: {sentence}" for title, sentence, _ in _notable(report)]
    return "\n".join(lines)
