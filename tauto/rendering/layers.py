"""The page of a :class:`~tauto.reports.LayersReport`: where an error starts, and how it grows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tauto.rendering.comparison import conditions
from tauto.rendering.document import Block, Cell, Column, Document, Items, Mark, Note, Row, Table, cell, numeric
from tauto.rendering.numbers import UNKNOWN, number, plural, share
from tauto.reports import LayerError, LayerRow, LayersReport, UnmatchedLayer

__all__ = ["ROUNDING", "decibels", "document", "error_table", "explain", "headline", "layer_name", "part", "size"]

ROUNDING = 1e-5
"""A relative error up to this is what float32 rounds away."""
_NAMED = 8
_ROOM = 49
"""Letters that a line of text has for names and kinds, where the cosine is left out."""
_READ = (
    "SNR and error are of each layer's output, in the order in which the layers ran. Own is what the layer adds "
    "itself when it is given the original's inputs; inherited is what it makes of the error in its inputs. Both are, "
    "like the error, shares of the length of the original's output; largest is the largest absolute error."
)
_NESTED = " A row that has others inside it, by its name, holds all that they do."


def decibels(value: float | None) -> str:
    """Return a ratio of powers.

    Examples
    --------
    >>> decibels(41.234), decibels(float("inf")), decibels(-3.0)
    ('41.2 dB', '∞', '−3.0 dB')
    """
    if value is None or value in (float("inf"), float("-inf")):
        return number(value)
    return f"{value:.1f} dB".replace("-", "−")


def part(value: float | None) -> str:
    """Return a share of one that may be very small.

    Examples
    --------
    >>> part(0.031), part(0.000012), part(3e-10)
    ('3.1 %', '0.0012 %', '<0.001 %')
    """
    if value is None or not 0 < value < 0.0995:
        return share(value)
    return f"{number(value * 100, 2)} %" if value > ROUNDING else "<0.001 %"


def size(error: LayerError | None) -> float | None:
    """Return the one figure of an error: relative of floating-point values, else the share that changed."""
    if error is None:
        return None
    return error.changed if error.relative_error is None else max(error.relative_error, error.changed or 0.0)


def layer_name(row: LayerRow) -> str:
    """Return what a row is called, with what was folded into the layer."""
    return " + ".join((row.path, *row.absorbed))


def headline(report: LayersReport) -> str:
    """Return in one line how far the outputs are apart, where that starts, and which layer adds most."""
    words = _outputs(report.output)
    if report.closed:
        return f"{words}; only the outputs could be compared"
    if report.starts is None or report.worst is None:
        if (size(report.output) or 0.0) > ROUNDING:
            return f"{words}; none of the layers adds an error: it comes from what the model computes outside of them"
        return f"{words}; no layer adds an error above rounding"
    first, most = _row(report, report.starts), _row(report, report.worst)
    # without its own error, what it was given may be wrong already
    words += f"; the error {'starts' if first.own else 'is first seen'} at {_said(first)}"
    if first is not most:
        return f"{words} ({_own(first)}), {_said(most)} adds most ({_own(most)})"
    return f"{words}, which also adds most ({_own(first)})" if first.own else f"{words} ({_own(first)})"


def _said(row: LayerRow) -> str:
    """Return the name as it stands in a sentence: ``layer 0`` where it is but a number."""
    name = layer_name(row)
    return f"layer {name}" if row.path.replace(".", "").isdigit() else name


def _row(report: LayersReport, path: str) -> LayerRow:
    return next(row for row in report.rows if row.path == path)


def _outputs(error: LayerError) -> str:
    if error.not_finite:
        return f"NaN or infinity in one model alone, in {plural(error.not_finite, 'value')} of the outputs"
    if error.relative_error is None:
        return f"{part(error.changed)} of the values returned differ" if error.changed else "The outputs are equal"
    if error.relative_error == 0:
        return (
            "The outputs are equal" if not error.changed else f"{part(error.changed)} of the integers returned differ"
        )
    if error.relative_error <= ROUNDING:
        return f"The outputs are equal but for rounding (SNR {decibels(error.snr_db)})"
    return f"The outputs differ by {part(error.relative_error)} (SNR {decibels(error.snr_db)})"


def _own(row: LayerRow) -> str:
    return _error(row.own or row.error)


def _error(error: LayerError | None) -> str:
    if error is None:
        return UNKNOWN
    if error.not_finite:
        return f"{error.not_finite:,} not finite"
    if error.relative_error is None:
        return UNKNOWN if error.changed is None else f"{part(error.changed)} differ"
    return part(size(error))


def error_table(caption: str, rows: Sequence[LayerRow], output: LayerError | None = None) -> Table:
    """Return the table of errors by layer, with that of the outputs as the last row."""
    top = max((value for row in rows if (value := size(row.own)) is not None and value < float("inf")), default=0.0)
    lines = [_line(row, top) for row in rows]
    if output is not None:
        names = (Cell("outputs", strong=True), Cell(""))
        lines.append(Row((*names, *_figures(output), Cell("")), weight=float("inf")))
    legend = "Bars: the error that the layer itself adds."
    return Table(caption, _columns(rows), tuple(lines), more="layers", legend=legend)


def _columns(rows: Sequence[LayerRow]) -> tuple[Column, ...]:
    """Return the columns; in text the names of the layers must stay whole, and others give way."""
    name = max((len(layer_name(row)) for row in rows), default=0)
    kind = max((len(_kinds(row)) for row in rows), default=0)
    return (
        Column("Layer", shorten=True),
        Column("Kind", shorten=True, in_text=0 < name + kind <= _ROOM),
        *numeric("SNR", "Error", "Own", "Inherited"),
        Column("Cosine", number=True, in_text=name + kind <= _ROOM - 10),
        *numeric("Largest"),
        Column("Calls", number=True, in_text=False),
    )


def _line(row: LayerRow, top: float) -> Row:
    own = size(row.own)
    mark = Mark(own, top) if own is not None and 0 <= own <= top and top > 0 else None
    figures = _figures(row.error, Cell(_error(row.own), mark), Cell(part(row.inherited)))
    weight = size(row.own or row.error) or 0.0
    return Row((cell(layer_name(row), code=True), cell(_kinds(row)), *figures, Cell(f"{row.calls:,}")), weight)


def _kinds(row: LayerRow) -> str:
    """Return what the layer was and what it became, such as ``Linear → bfloat16`` where only its weights changed."""
    if row.kind == row.became:
        return row.kind
    weights = row.became.removeprefix(f"{row.kind} (").removesuffix(")")
    return f"{row.kind} → {weights if row.became == f'{row.kind} ({weights})' else row.became}"


def _figures(error: LayerError, own: Cell | None = None, inherited: Cell | None = None) -> tuple[Cell, ...]:
    return (
        Cell(decibels(error.snr_db)),
        Cell(_error(error)),
        own or Cell(""),
        inherited or Cell(""),
        Cell(_cosine(error.cosine)),
        Cell(number(error.max_abs_error)),
    )


def _cosine(value: float | None) -> str:
    if value is None or value == 1:
        return UNKNOWN if value is None else "1"
    # rounded to one it would claim what is not so
    return number(value, 5) if value < 0.999995 else ">0.99999"


def document(report: LayersReport) -> Document:
    """Return the page."""
    blocks: list[Block] = []
    if report.closed:
        blocks.append(Note(f"{report.closed}."))
    blocks.append(error_table("Error by layer" if report.rows else "Error of the outputs", report.rows, report.output))
    if report.rows:
        blocks.append(Note(_READ + (_NESTED if any(_holds_others(row, report.rows) for row in report.rows) else "")))
    blocks += [
        _named("Own error not known", ((row.own_reason, layer_name(row)) for row in report.rows if row.own_reason)),
        _named("Not compared", ((_why(report, layer), f"{layer.path} ({layer.kind})") for layer in report.unmatched)),
        conditions(report.conditions, _extra(report)),
    ]
    equal = not size(report.output) and not report.output.not_finite
    tone = "bad" if report.output.not_finite else "good" if equal else "neutral"
    title = f"{report.optimized} against {report.original}, layer by layer"
    return Document(title, headline(report), tuple(blocks), tone)  # type: ignore[arg-type]


def _extra(report: LayersReport) -> tuple[tuple[str, str], ...]:
    batches = "one batch" if report.batches == 1 else f"{report.batches:,} batches"
    facts = [("Compared over", f"{plural(report.samples, 'sample')} in {batches}")]
    if report.uncompiled:
        words = "the outputs are of the compiled code; the layers were run as they are written"
        facts.append(("Compiled", f"{' and '.join(report.uncompiled)}: {words}"))
    return tuple(facts)


def _why(report: LayersReport, layer: UnmatchedLayer) -> str:
    if layer.side == "both":
        return layer.reason
    return f"in {getattr(report, layer.side)} alone: {layer.reason}"


def _named(caption: str, reasons: Iterable[tuple[str, str]]) -> Items:
    """Return the layers by reason."""
    groups: dict[str, list[str]] = {}
    for reason, name in reasons:
        groups.setdefault(reason, []).append(name)
    items = tuple((reason[:1].upper() + reason[1:], _listed(names), ()) for reason, names in groups.items())
    return Items(caption, items, more="reasons")


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _holds_others(row: LayerRow, rows: Sequence[LayerRow]) -> bool:
    return any(other.path.startswith(f"{row.path}.") for other in rows)


def explain(report: LayersReport) -> str:
    """Return what was found in plain sentences."""
    lines = [f"{report.optimized} against {report.original}: {headline(report)}."]
    if report.closed:
        lines.append(f"{report.closed}.")
    felt = [row for row in report.rows if (size(row.own) or 0.0) > ROUNDING and not _holds_others(row, report.rows)]
    for row in sorted(felt, key=lambda row: -(size(row.own) or 0.0))[:5]:
        lines.append(
            f"{_said(row)} adds {_own(row)} itself and inherits {part(row.inherited)}: its output is at "
            f"{decibels(row.error.snr_db)}."
        )
    lines += [
        f"{layer.path} ({layer.kind}) was not compared: {_why(report, layer)}." for layer in report.unmatched[:20]
    ]
    return "\n".join(lines)
