"""In words and small bars what the figures of weights draw: before and after, zeros, and which channels stayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tauto.rendering.document import Block, Cell, Column, Folded, Note, Row, Table, cell
from tauto.rendering.numbers import UNKNOWN, number, plural, share
from tauto.rendering.weights import bars
from tauto.reports import ChannelMap, WeightPicture
from tauto.reports.pictures import ROW, STAYS

__all__ = ["picture_blocks", "picture_sentences"]

_NAMED = 6
_WEIGHTS = (
    Column("Layer", shorten=True),
    Column("Kind", in_text=False),
    Column("Before"),
    Column("After"),
    Column("From", number=True),
    Column("To", number=True),
    Column("Zeros before", number=True),
    Column("after", number=True),
    Column("Pattern"),
)
_CHANNELS = (Column("Layer", shorten=True), Column("Stayed"), Column("Which, first to last"))
_NOTE = (
    "Before and After are histograms over the same range, zeros aside: how high tells the order of magnitude. "
    "r.plot() draws them, and where the zeros are."
)
_PATTERNS = {"2:4": "two of every four neighbours"}


def picture_blocks(pictures: Sequence[WeightPicture], channels: Sequence[ChannelMap] = ()) -> Iterator[Block]:
    """Yield the largest weights before and after, and what stayed of each layer, folded."""
    if pictures:
        table = Table("Largest weights, before and after", _WEIGHTS, tuple(map(_weight, pictures)))
        yield Folded(f"{plural(len(pictures), 'weight')} before and after", (table, Note(_NOTE)))
    if channels:
        note = Note(f"{STAYS} stayed, a point was cut out. Above {ROW} there are bars: how many stayed of neighbours.")
        table = Table("What stayed of each layer", _CHANNELS, tuple(map(_map, channels)), more="layers", limit=40)
        yield Folded(f"{plural(len(channels), 'layer')}, and what stayed of them", (table, note))


def _weight(one: WeightPicture) -> Row:
    cells = (
        cell(one.name or "the model itself", code=True),
        cell(one.kind),
        Cell(_heights(one.before)),
        Cell(_heights(one.after)),
        Cell(number(one.low, 2)),
        Cell(number(one.high, 2)),
        Cell(share(one.zeros_before)),
        Cell(share(one.zeros_after)),
        cell(_PATTERNS.get(one.pattern, one.pattern) if one.zeros_after else ""),
    )
    return Row(cells, weight=sum(one.before))


def _heights(counts: Sequence[int]) -> str:
    """Return bars of the number of digits: on the plain scale tails do not show."""
    return bars(tuple(one.bit_length() for one in counts), columns=10)


def _map(one: ChannelMap) -> Row:
    signs = "".join(one.rows)
    drawn = signs
    if len(signs) > ROW:
        drawn = bars(tuple(int(sign == STAYS) for sign in signs), columns=32)
    stayed = f"{one.after:,} of {one.before:,} {one.kind}"
    return Row((cell(one.name or "the model itself", code=True), cell(stayed), cell(drawn or UNKNOWN)), one.before)


def picture_sentences(pictures: Sequence[WeightPicture], channels: Sequence[ChannelMap] = ()) -> Iterator[str]:
    """Yield in plain sentences where weights are zero and what stayed of layers."""
    sparse = [one for one in pictures if one.zeros_after >= 0.05]
    if sparse:
        words = [f"{one.name} {share(one.zeros_after)}{_pattern(one)}" for one in sparse[:_NAMED]]
        yield f"At zero are, of the largest weights: {', '.join(words)}."
    if channels:
        words = [f"{one.name} {one.after:,} of {one.before:,}" for one in channels[:_NAMED]]
        more = f" and of {len(channels) - _NAMED:,} more" if len(channels) > _NAMED else ""
        yield f"Of the {channels[0].kind} of each layer stayed: {', '.join(words)}{more}."


def _pattern(one: WeightPicture) -> str:
    return f" ({_PATTERNS[one.pattern]})" if one.pattern in _PATTERNS else ""
