"""What a page of a search says of int8 before the work, of layers kept in floating point, and of how sure a drop is."""

from __future__ import annotations

from collections.abc import Iterator

from tauto.rendering.document import Block, Cell, Column, Folded, Items, Note, Row, Table, cell
from tauto.rendering.layers import decibels
from tauto.rendering.numbers import UNKNOWN, data_size, metric_change, plural, share
from tauto.rendering.sensitivity import said
from tauto.reports import ControlReport, DropConfidence, KeptLayer, KernelNote, ModelLayer, TuningReport

__all__ = ["before_items", "confidence_notes", "control_notes", "control_sentences", "layer_blocks"]

_NAMED = 6
_LAYERS = (
    Column("Layer", shorten=True),
    Column("Kind", in_text=False),
    Column("Precision"),
    Column("Zeros", number=True),
    Column("Size before", number=True),
    Column("after", number=True),
    Column("Quantized alone", number=True),
)


def control_notes(report: TuningReport) -> list[Block]:
    """Return what quality control did, in a paragraph for each recipe."""
    return [Note(words) for words in control_sentences(report)]


def control_sentences(report: TuningReport) -> list[str]:
    """Return what quality control did, recipe by recipe."""
    return [_controlled(one) for one in report.control]


def _controlled(one: ControlReport) -> str:
    lead = f"{one.base} lost too much quality as a whole"
    if not one.steps:
        return f"{lead}; keeping layers in floating point was not tried: {one.reason}."
    tried = f"{plural(len(one.steps), 'trial')}, the layers ordered by what each does to the outputs over "
    tried += plural(one.samples, "sample")
    if one.reranked:
        tried += f", and ordered again {'once' if one.reranked == 1 else f'{one.reranked} times'}"
    names = _named(one.kept)
    if one.met:
        of = f"{len(one.kept)} of its {plural(one.layers, 'layer')}"
        return f"{lead}. With {of} in floating point it holds (trial {one.trial}): {names}. Found in {tried}."
    if not one.kept:
        return f"{lead}, and with layers kept in floating point nothing could be judged: {one.reason} ({tried})."
    return (
        f"{lead}, and keeping layers in floating point did not bring it back: {one.reason}. Those that resist: {names} "
        f"(trial {one.trial}; {tried})."
    )


def _named(kept: tuple[KeptLayer, ...]) -> str:
    words = [_layer(one) for one in kept[:_NAMED]]
    more = f" and {len(kept) - _NAMED:,} more" if len(kept) > _NAMED else ""
    return ", ".join(words) + more if words else "none"


def _layer(one: KeptLayer) -> str:
    name = f"{said(one.path)} ({one.kind}"
    return f"{name}; alone in int8 the outputs are at {decibels(one.snr_db)})" if one.snr_db is not None else f"{name})"


def confidence_notes(report: TuningReport) -> list[tuple[str, str]]:
    """Return for each judged metric how sure its drop is, as facts."""
    return [(f"Drop of {one.metric}", _sure(one)) for one in report.confidence]


def _sure(one: DropConfidence) -> str:
    words = _change(one.metric, one.drop)
    if one.low is not None and one.high is not None:
        words += f", with 95 % between {_change(one.metric, one.low)} and {_change(one.metric, one.high)}"
        if one.high > one.allowed_drop >= one.drop:
            words += "; it holds on these samples, and more of them would be needed to be sure"
    elif one.reason:
        words += f"; how sure is not known: {one.reason}"
    if one.samples and not one.noise and one.low is not None:
        words += f" ({plural(one.samples, 'sample')}, the same for both, so that the interval is rather too wide)"
    if one.noise:
        moved = metric_change(one.metric, one.noise)
        words += f". evaluate is not deterministic: the original's own figure moved by {moved} when it was run twice"
        if one.noise > one.allowed_drop:
            words += ", more than may be lost: fix its seed, or give it more data"
    elif one.noise is None:
        words += "; evaluate took too long to be run twice, so its own noise is not known"
    return words


def _change(name: str, value: float) -> str:
    sign = "−" if value < 0 else ""
    return f"{sign}{metric_change(name, value)}" if value else "0"


def before_items(found: tuple[KernelNote, ...]) -> Items:
    """Return what int8 was not expected to make faster."""
    items = tuple((_subject(one), f"{one.reason}", (one.remedy,) if one.remedy else ()) for one in found)
    return Items("Known before the work: what int8 hardly makes faster here", items)


def _subject(one: KernelNote) -> str:
    if not one.layers:
        return f"This {one.subject}"
    more = f" and {len(one.layers) - _NAMED:,} more" if len(one.layers) > _NAMED else ""
    return f"{one.subject[:1].upper()}{one.subject[1:]}: {', '.join(one.layers[:_NAMED])}{more}"


def layer_blocks(found: tuple[ModelLayer, ...]) -> Iterator[Block]:
    """Yield the winner's layers, folded."""
    if not found:
        return
    rows = tuple(_row(one) for one in found)
    reasons = dict.fromkeys(one.reason for one in found if one.reason)
    notes = tuple(Note(f"{reason[:1].upper()}{reason[1:]}.") for reason in reasons)
    table = Table("Layers of the winner", _LAYERS, rows, more="layers", limit=80)
    yield Folded(f"{plural(len(found), 'layer')}, and what they are kept in", (table, *notes))


def _row(one: ModelLayer) -> Row:
    cells = (
        cell(one.name, code=True),
        cell(one.kind),
        cell(one.precision or UNKNOWN),
        Cell(share(one.sparsity)),
        Cell(data_size(one.size_bytes)),
        Cell(data_size(one.optimized_bytes)),
        Cell(decibels(one.sensitivity_db)),
    )
    return Row(cells, weight=one.size_bytes)
