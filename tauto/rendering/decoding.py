"""The page of a :class:`~tauto.reports.DecodingReport`: how fast text is made, and what a cache brings."""

from __future__ import annotations

from tauto.rendering.comparison import conditions
from tauto.rendering.document import Block, Cell, Column, Document, Items, Mark, Note, Row, Table, cell, numeric
from tauto.rendering.numbers import UNKNOWN, data_size, duration, number, plural, ratio, seconds, share
from tauto.reports import CacheGain, DecodingReport, DecodingRow, LengthRow, TokenAgreement

__all__ = ["cache_words", "document", "explain", "headline", "target_words"]

_SHOWN = 4
"""Lengths that have a column in text: a page has them all."""
_FEW = 3
"""Different tokens up to which a text is said to repeat itself."""


def headline(report: DecodingReport) -> str:
    """Return in one line which way to use, and what a cache brings."""
    words = _verdict(report)
    if not report.gains:
        return words
    return f"{words}; {cache_words(report) if report.target is None else target_words(report, report.target)}"


def _verdict(report: DecodingReport) -> str:
    found = report.confirmed
    if report.verdict == "improved" and found is not None:
        name = next((row.name for row in report.rows if row.key == report.winner), str(report.winner))
        speedup = ratio(found.speedup, found.interval)
        return f"{name[:1].upper()}{name[1:]} is {speedup} as fast as the original at {plural(found.tokens, 'token')}"
    return f"Kept the original: {report.reason}"


def cache_words(report: DecodingReport) -> str:
    """Return what a cache brings for the longest text, as far as the runs show it."""
    gain = report.gains[-1]
    if gain.spread.low <= 1.0 <= gain.spread.high:
        low, high = (number(value, 2) for value in (gain.spread.low, gain.spread.high))
        return f"whether a cache helps at {plural(gain.tokens, 'token')} was not settled ({low} to {high}×)"
    return f"a cache is {_gained(gain)} as fast as none at {plural(gain.tokens, 'token')}"


def target_words(report: DecodingReport, wanted: float) -> str:
    """Return at which length a cache brings what was asked after, or how near it comes."""
    target = f"{number(wanted, 2)}×"
    if report.reached_at is not None:
        gain = next(one for one in report.gains if one.tokens == report.reached_at)
        return f"a cache is {_gained(gain)} as fast as none at {plural(gain.tokens, 'token')} ({target} is met)"
    best = max(report.gains, key=lambda gain: gain.best)
    last = report.gains[-1].tokens
    return f"{target} over no cache is not shown up to {plural(last, 'token')} (at most {_gained(best)})"


def _gained(gain: CacheGain) -> str:
    return f"{'~' if gain.estimated else ''}{ratio(gain.best, gain.spread)}"


def document(report: DecodingReport) -> Document:
    """Return the page."""
    blocks: list[Block] = []
    if report.interrupted:
        blocks.append(Note("Interrupted: this is what was measured until then."))
    blocks += [_rates(report), Note(_how_to_read(report)), _gains(report), *map(Note, report.advice)]
    blocks += [_costs(report), *_repeats(report), _left(report), conditions(report.conditions, _extra(report))]
    tone = "good" if report.verdict == "improved" else "neutral"
    return Document(f"Decoding of {report.model}", headline(report), tuple(blocks), tone)  # type: ignore[arg-type]


def _timed(report: DecodingReport) -> list[DecodingRow]:
    return [row for row in report.rows if row.lengths]


def _rates(report: DecodingReport) -> Table:
    last = len(report.wanted) - _SHOWN
    columns = (
        Column("Way"),
        Column("First token", number=True),
        *(Column(str(length), number=True, in_text=place >= last) for place, length in enumerate(report.wanted)),
        Column("Tokens"),
    )
    rows = _timed(report)
    top = max((one.tokens_per_s for row in rows for one in row.lengths), default=0.0)
    return Table(
        "Tokens a second, by the number of new tokens",
        columns,
        tuple(_rate_row(row, report, top) for row in rows),
        "ways",
        legend="Bars: tokens a second.",
    )


def _rate_row(row: DecodingRow, report: DecodingReport, top: float) -> Row:
    by_length = {one.tokens: one for one in row.lengths}
    cells = [_rate(by_length.get(length), top) for length in report.wanted]
    chosen = row.key == report.winner
    name = f"{'✓ ' if chosen else ''}{row.name}{' (original)' if row.status == 'original' else ''}"
    return Row((cell(name, strong=chosen), Cell(duration(row.first_token_ms)), *cells, Cell(_right(row))))


def _rate(one: LengthRow | None, top: float) -> Cell:
    if one is None:
        return Cell(UNKNOWN)
    spread = (one.high_s - one.low_s) / 2 / one.seconds if one.runs > 1 and one.seconds > 0 else None
    words = f"{'~' if one.estimated else ''}{number(one.tokens_per_s)}"
    if spread is not None:
        words += f" ±{share(spread)}"
    mark = Mark(one.tokens_per_s, top) if 0 <= one.tokens_per_s <= top and top > 0 else None
    return Cell(words, mark)


def _right(row: DecodingRow) -> str:
    found = row.agreement
    if row.status == "original" or found is None:
        return UNKNOWN
    words = "equal" if found.equal == 1.0 else f"{share(found.equal)} equal"
    if found.same_text is not None and found.same_text < 1.0:
        words += f", {share(found.same_text)} on one text"
    return f"{words}{' ✗' if row.status == 'rejected' else ''}"


def _how_to_read(report: DecodingReport) -> str:
    words = (
        "Tokens a second are new tokens of all sequences over the time of the whole call, reading the prompt included: "
        "the median of the runs, ± half their range. First token is the time until it is there (TTFT). Tokens says "
        "whether they are the original's."
    )
    if any(one.estimated for row in report.rows for one in row.lengths):
        words += (
            " A ~ is an estimate: whole runs would have taken too long, so that single steps were timed along the text "
            "and summed up."
        )
    return words


def _gains(report: DecodingReport) -> Table:
    names = {row.key: row.name for row in report.rows}
    columns = (Column("New tokens"), *numeric("Cache alone", "Fastest with a cache"), Column("Which"))
    return Table(
        "Speedup over no cache, same tokens",
        columns,
        tuple(_gain_row(gain, names, report) for gain in report.gains),
        "lengths",
    )


def _gain_row(gain: CacheGain, names: dict[str, str], report: DecodingReport) -> Row:
    about = "~" if gain.estimated else ""
    met = " ✓" if report.target is not None and gain.spread.low >= report.target else ""
    return Row(
        (
            Cell(f"{gain.tokens:,}"),
            Cell(UNKNOWN if gain.plain is None else about + ratio(gain.plain)),
            Cell(f"{_gained(gain)}{met}"),
            cell(names.get(gain.best_key, gain.best_key)),
        )
    )


def _costs(report: DecodingReport) -> Table:
    columns = (Column("Way"), *numeric("Preparation", "First token, runs", "Cache"))
    rows = tuple(
        Row(
            (
                cell(row.name),
                Cell(seconds(row.preparation_s)),
                Cell(f"{duration(row.first_token_low_ms)} to {duration(row.first_token_high_ms)}"),
                Cell("none" if row.cache == "none" else data_size(row.cache_bytes)),
            )
        )
        for row in _timed(report)
    )
    return Table("What each way costs; the cache by the shapes of its tensors after the longest run", columns, rows)


def _repeats(report: DecodingReport) -> list[Block]:
    found: TokenAgreement | None = next((row.agreement for row in report.rows if row.status == "original"), None)
    if found is None or found.distinct > _FEW or found.compared <= _FEW:
        return []
    other = f" What proves more is one random text of {plural(found.same_text_tokens, 'token')} that every way read."
    repeats = f"The original's text is made of {plural(found.distinct, 'different token')}, as by random weights:"
    return [Note(f"{repeats} equal tokens prove little there.{other if found.same_text_tokens else ''}")]


def _left(report: DecodingReport) -> Items:
    said = {"failed": "failed", "skipped": "not tried", "rejected": "rejected", "measured": "not chosen"}
    items = tuple(
        (f"{row.name}: {said[row.status]}", f"{row.reason[:1].upper()}{row.reason[1:]}.".replace("..", "."), ())
        for row in report.rows
        if row.status in said and row.reason
    )
    return Items("Why not the others", items, more="ways")


def _extra(report: DecodingReport) -> tuple[tuple[str, str], ...]:
    facts = [
        ("Prompt", f"{plural(report.prompt_tokens, 'token')}, {plural(report.batch, 'sequence')}; greedy decoding"),
        ("Quality rule", report.quality_rule),
        ("Took", f"{seconds(report.wall_s)} of a budget of {seconds(report.budget_s)}"),
    ]
    if (found := report.confirmed) is not None:
        words = f"{found.tokens} tokens in turn in a fresh process, {plural(found.runs, 'run')} of each side: "
        words += f"original {seconds(found.original_s)}, the other {seconds(found.decoded_s)}"
        facts.insert(2, ("Confirmed", words))
    return tuple(facts)


def explain(report: DecodingReport) -> str:
    """Return what was found in plain sentences."""
    lines = [f"{headline(report)}."]
    for row in _timed(report):
        last = row.lengths[-1]
        words = f"{row.name}: first token after {duration(row.first_token_ms)}, {number(last.tokens_per_s)} tokens a "
        lines.append(f"{words}second at {plural(last.tokens, 'token')}{' (estimated)' if last.estimated else ''}.")
    return "\n".join([*lines, *report.advice])
