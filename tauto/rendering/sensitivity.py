"""The page of a :class:`~tauto.reports.SensitivityReport`: which layers suffer when they are quantized."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tauto.rendering.comparison import conditions
from tauto.rendering.document import Block, Cell, Column, Document, Items, Mark, Note, Row, Table, cell
from tauto.rendering.layers import decibels, part, size
from tauto.rendering.numbers import UNKNOWN, data_size, metric_change, plural, seconds, share
from tauto.reports import LayerError, Quality, SensitivityReport, SensitivityRow

__all__ = ["document", "drop_words", "explain", "headline", "said", "scheme_words"]

_NAMED = 8
_FIRST = 40
_ROOM = 40
"""Letters that a line of text has for names and kinds."""
_ACTIVATIONS = {
    "static": "inputs of layers in 8 bits, in ranges calibrated on the samples",
    "dynamic": "inputs of layers in 8 bits, with a scale for each row as it comes",
    "none": "inputs of layers in floating point",
}


def scheme_words(bits: int, activations: str) -> str:
    """Return how the layers were quantized."""
    scales = "a scale for each output channel" if bits == 8 else "a scale for each 32 weights"
    return f"int{bits} weights with {scales}, {_ACTIVATIONS[activations]}; computed in floating point"


def headline(report: SensitivityReport) -> str:
    """Return in one line which layer suffers most, and what all together do."""
    if not report.rows:
        return "No layer was measured"
    first = report.rows[0]
    if first.error is None and first.own is None:
        return "The budget ended before a layer was measured"
    worst = _worst(first.quality)
    where = "the outputs are at" if first.error else "its own output is at"
    words = f"Quantizing {said(first.path)} alone hurts most: {where} {decibels(_snr(first.error or first.own))}"
    if worst and worst.drop > 0:
        words += f", {worst.metric} {drop_words(worst)}"
    if report.together is not None:
        words += f"; all {plural(len(report.rows), 'layer')} quantized together: {decibels(report.together.snr_db)}"
        if both := _worst(report.together_quality):
            words += f", {both.metric} {drop_words(both)}"
    return words


def said(path: str) -> str:
    """Return a layer's name as it stands in a sentence: ``layer 0`` where it is but a number."""
    if not path:
        return "the model itself"
    return f"layer {path}" if path.replace(".", "").isdigit() else path


def drop_words(quality: Quality) -> str:
    """Return a change for the worse or the better, such as ``drops by 1.20 points (too much)``."""
    if quality.drop == 0:
        return "unchanged"
    change = metric_change(quality.metric, quality.drop)
    if quality.drop < 0:
        return f"better by {change}"
    return f"worse by {change}{'' if quality.held else ' (more than allowed)'}"


def document(report: SensitivityReport) -> Document:
    """Return the page."""
    blocks: list[Block] = []
    if report.interrupted:
        blocks.append(Note("Interrupted: this is what was measured until then."))
    blocks += [_table(report), Note(_how_to_read(report)), *_together(report)]
    blocks += [_left_out(report), conditions(report.conditions, _extra(report))]
    return Document(f"Sensitivity of {report.model} to int{report.bits}", headline(report), tuple(blocks))


def _table(report: SensitivityReport) -> Table:
    rated = any(row.quality for row in report.rows)
    top = max((value for row in report.rows if (value := size(row.error)) is not None and value < math.inf), default=0)
    name = max((len(row.path) for row in report.rows), default=0)
    kind = max((len(row.kind) for row in report.rows), default=0)
    columns = (
        Column("Layer", shorten=True),
        Column("Kind", shorten=True, in_text=name + kind <= _ROOM),
        Column("Outputs", number=True),
        Column("Own", number=True, in_text=not rated),
        *([Column("Quality", number=True)] if rated else []),
        Column("Weights", number=True),
        Column("Saves", number=True),
        Column("Work", number=True, in_text=False),
        Column("Time, at best", number=True),
    )
    rows = tuple(_row(row, top, rated, len(report.rows) - place) for place, row in enumerate(report.rows))
    legend = "Bars: the relative error of the model's outputs."
    return Table("Each layer quantized alone, the most harmful first", columns, rows, "layers", _FIRST, legend=legend)


def _row(row: SensitivityRow, top: float, rated: bool, weight: float) -> Row:
    error = size(row.error)
    mark = Mark(error, top) if error is not None and 0 <= error <= top and top > 0 else None
    cells = (
        cell(row.path, code=True),
        cell(row.kind),
        Cell(_figure(row.error), mark),
        Cell(_figure(row.own)),
        *([cell(_quality(row.quality))] if rated else []),
        Cell(data_size(row.size_bytes)),
        Cell(data_size(row.saved_bytes)),
        Cell(share(row.work_share)),
        Cell(share(row.time_saved)),
    )
    return Row(cells, weight)


def _figure(error: LayerError | None) -> str:
    if error is None:
        return UNKNOWN
    if error.snr_db is None:
        return f"{part(error.changed)} differ" if error.changed is not None else UNKNOWN
    return decibels(error.snr_db)


def _snr(error: LayerError | None) -> float | None:
    return None if error is None else error.snr_db


def _worst(quality: Sequence[Quality]) -> Quality | None:
    return max(quality, key=lambda one: one.drop - one.allowed_drop, default=None)


def _quality(quality: Sequence[Quality]) -> str:
    worst = _worst(quality)
    if worst is None:
        return UNKNOWN
    sign = "−" if worst.drop > 0 else "+" if worst.drop < 0 else "±"
    if not worst.higher_is_better:
        sign = {"−": "+", "+": "−"}.get(sign, sign)
    return f"{sign}{metric_change(worst.metric, worst.drop)}{'' if worst.held else ' ✗'}"


def _how_to_read(report: SensitivityReport) -> str:
    words = (
        "Outputs is the signal over noise of what the model returns when this layer alone is quantized, in dB: 20 dB "
        "less is ten times the error. Own, where it is shown, is that of the layer's own output. "
    )
    if report.evaluated:
        words += "Quality is the change of the metric, with ✗ where that alone is more than allowed. "
    words += (
        "Weights and Saves are bytes, by shapes. Time is an estimate and no measurement: the layer's share of the "
        "arithmetic, less what int8 would still take at the ceilings that were measured here."
    )
    if any(row.time_saved is None for row in report.rows):
        words += " A dash: the arithmetic stays in floating point, and no time is expected to be saved by it."
    return words


def _together(report: SensitivityReport) -> list[Block]:
    if report.together is None:
        return []
    words = f"All {plural(len(report.rows), 'layer')} quantized together: outputs at {_figure(report.together)}"
    if worst := _worst(report.together_quality):
        words += f", {worst.metric} {drop_words(worst)}"
    return [Note(f"{words}.")]


def _left_out(report: SensitivityReport) -> Items:
    reasons: list[tuple[str, str]] = [(one.reason, f"{one.path} ({one.kind})") for one in report.unmeasured]
    own = "the budget ended before; only its own error is known, and its place is by that"
    reasons += [(own, row.path) for row in report.rows if row.error is None and row.own is not None]
    reasons += [("the budget ended before", row.path) for row in report.rows if row.error is None and row.own is None]
    tied = "shares its weights, which become smaller only when all that use them are quantized"
    reasons += [(tied, f"{row.path} (with {', '.join(row.also[:3])})") for row in report.rows if row.also]
    return Items("Left open", _grouped(reasons), more="reasons")


def _grouped(reasons: Iterable[tuple[str, str]]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    groups: dict[str, list[str]] = {}
    for reason, name in reasons:
        groups.setdefault(reason, []).append(name)
    return tuple((reason[:1].upper() + reason[1:], _listed(names), ()) for reason, names in groups.items())


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _extra(report: SensitivityReport) -> tuple[tuple[str, str], ...]:
    measured = sum(row.error is not None for row in report.rows)
    batches = "one batch" if report.batches == 1 else f"{report.batches:,} batches"
    facts = [
        ("Quantized as", scheme_words(report.bits, report.activations)),
        ("Measured over", f"{plural(report.samples, 'sample')} in {batches}"),
        ("Layers", f"outputs of {measured} of {len(report.rows)}, quality of {report.evaluated}"),
        ("Took", f"{seconds(report.wall_s)} of a budget of {seconds(report.budget_s)}"),
    ]
    if report.together_quality:
        facts.append(("Quality rule", report.quality_rule))
    return tuple(facts)


def explain(report: SensitivityReport) -> str:
    """Return what was found in plain sentences."""
    lines = [f"{headline(report)}."]
    for row in report.rows[:5]:
        words = f"{said(row.path)} ({row.kind}) alone brings the outputs to {_figure(row.error)}"
        if worst := _worst(row.quality):
            words += f", {worst.metric} {drop_words(worst)}"
        lines.append(f"{words}; its weights become {data_size(row.saved_bytes)} smaller.")
    lines += [f"{one.path} ({one.kind}) was not measured: {one.reason}." for one in report.unmeasured[:20]]
    lines.append(f"It was measured over {plural(report.samples, 'sample')}.")
    return "\n".join(lines)
