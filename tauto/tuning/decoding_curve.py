"""What a key-value cache brings at each length, and where it does not help: pure functions of measured rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tauto.config import time_in_words
from tauto.reports import CacheGain, DecodingRow, Interval, LengthRow, TokenAgreement

__all__ = ["advice_on", "agreement_of", "gains_of", "length_rows", "rate_at", "reached_at", "right"]

HELPS_ABOVE = 1.05
"""Speedup under which a cache is not said to help."""
GROWS_ABOVE = 1.3
"""Times that a step without a cache must take on the longest text, over the shortest, to be said to grow."""
_RIGHT = ("original", "kept", "measured")


def right(row: DecodingRow) -> bool:
    """Return whether ``row`` was timed and makes the tokens it should."""
    return row.status in _RIGHT and bool(row.lengths)


def length_rows(at: dict[int, list[float]], estimated: dict[int, list[float]], batch: int) -> tuple[LengthRow, ...]:
    """Return the rows of a curve from the seconds of each run to each number of tokens."""
    rows = [_length_row(int(length), seconds, batch, False) for length, seconds in at.items()]
    rows += [_length_row(int(length), seconds, batch, True) for length, seconds in estimated.items()]
    return tuple(sorted(rows, key=lambda row: row.tokens))


def _length_row(tokens: int, seconds: list[float], batch: int, estimated: bool) -> LengthRow:
    ordered = sorted(seconds)
    # of an even number the slower of the middle two: never better than what was seen
    middle = ordered[len(ordered) // 2]
    return LengthRow(tokens, middle, ordered[0], ordered[-1], batch * tokens / middle, len(ordered), estimated)


def rate_at(row: DecodingRow, tokens: int, *, whole: bool = False) -> float | None:
    """Return the tokens a second of ``row`` at a length; None where it was not reached (or only estimated)."""
    found = next((one for one in row.lengths if one.tokens == tokens and not (whole and one.estimated)), None)
    return None if found is None else found.tokens_per_s


def agreement_of(
    tokens: list[list[int]],
    original: list[list[int]],
    chosen: list[list[int]],
    original_chosen: list[list[int]],
) -> TokenAgreement:
    """Return how far greedy tokens, and the choices over one forced text, are the original's.

    Parameters
    ----------
    tokens, original : list of list of int
        Greedy tokens of each sequence, as many as each run made.
    chosen, original_chosen : list of list of int
        What each would choose next at each place of one same text.

    Examples
    --------
    >>> found = agreement_of([[5, 6, 7]], [[5, 6, 9, 9]], [[1, 2]], [[1, 2]])
    >>> found.equal, found.first_difference, found.same_text
    (0.6666666666666666, 2, 1.0)
    """
    pairs = [_pairs(mine, its) for mine, its in zip(tokens, original, strict=True)]
    compared = sum(map(len, pairs))
    same = sum(one == other for row in pairs for one, other in row)
    places = [place for row in pairs for place, (one, other) in enumerate(row) if one != other]
    forced = [pair for mine, its in zip(chosen, original_chosen, strict=True) for pair in _pairs(mine, its)]
    return TokenAgreement(
        equal=same / compared if compared else 0.0,
        compared=compared,
        first_difference=min(places, default=None),
        distinct=len({other for row in pairs for _, other in row}),
        same_text=sum(one == other for one, other in forced) / len(forced) if forced else None,
        same_text_tokens=len(forced),
    )


def _pairs(one: list[int], other: list[int]) -> list[tuple[int, int]]:
    return list(zip(one, other, strict=False))  # the shorter run ends it


def gains_of(rows: Sequence[DecodingRow], lengths: Sequence[int]) -> tuple[CacheGain, ...]:
    """Return the speedup by a cache at each length where both sides are known; empty without a way that has none."""
    bare = next((row for row in rows if row.cache == "none" and row.precision == "float32" and right(row)), None)
    cached = [row for row in rows if row.cache != "none" and right(row)]
    plain = next((row for row in cached if not row.compiled and row.precision == "float32"), None)
    found = []
    for length in lengths:
        rates = {row.key: rate for row in cached if (rate := rate_at(row, length)) is not None}
        without = None if bare is None else next((one for one in bare.lengths if one.tokens == length), None)
        if without is None or not rates:
            continue
        best = max(rates, key=lambda key: rates[key])
        alone = rates.get(plain.key) if plain is not None else None
        base = without.tokens_per_s
        fastest = next(one for row in cached if row.key == best for one in row.lengths if one.tokens == length)
        found.append(
            CacheGain(
                tokens=length,
                plain=None if alone is None else alone / base,
                best=rates[best] / base,
                best_key=best,
                estimated=without.estimated,
                spread=Interval(without.low_s / fastest.high_s, without.high_s / fastest.low_s),
            )
        )
    return tuple(found)


def reached_at(gains: Sequence[CacheGain], target: float) -> int | None:
    """Return the shortest length at which the best way is ``target`` times as fast as none; None at no length.

    The slowest run of it against the fastest without a cache is what must be.
    """
    return next((gain.tokens for gain in gains if gain.spread.low >= target), None)


def advice_on(rows: Sequence[DecodingRow], gains: Sequence[CacheGain]) -> tuple[str, ...]:
    """Return where a cache does not help and why, in sentences; and when compiling has paid for itself."""
    found = []
    idle = [gain for gain in gains if gain.plain is not None and gain.plain < HELPS_ABOVE]
    if idle:
        found.append(_idle(rows, idle, gains))
    best = max((row for row in rows if right(row)), key=_last_rate, default=None)
    plain = next((row for row in rows if row.cache == "dynamic" and row.precision == "float32" and right(row)), None)
    if best is not None and plain is not None and best.compiled and best.preparation_s:
        found += _pays(best, plain)
    return tuple(found)


def _idle(rows: Sequence[DecodingRow], idle: Sequence[CacheGain], gains: Sequence[CacheGain]) -> str:
    last = idle[-1]
    where = "at any length" if len(idle) == len(gains) else f"at {_listed([gain.tokens for gain in idle])} tokens"
    assert last.plain is not None
    words = f"A cache alone was not seen to help {where}: {last.plain:.2f}× at {last.tokens}."
    bare = next((row for row in rows if row.cache == "none" and row.precision == "float32" and right(row)), None)
    if bare is None:
        return words
    steps = [1e3 * row.seconds / row.tokens for row in bare.lengths]
    if steps[-1] < GROWS_ABOVE * steps[0]:
        return (
            f"{words} A step without one takes {steps[0]:.3g} ms over the shortest text and {steps[-1]:.3g} ms over "
            "the longest: it goes by what each step costs anyway (reading the weights, starting the operators), not by "
            "the length of the text, and that a cache does not save."
        )
    return (
        f"{words} A step without one takes {steps[0]:.3g} ms over the shortest text and {steps[-1]:.3g} ms over the "
        "longest: it grows with the text, so that a cache pays for longer texts than these."
    )


def _pays(best: DecodingRow, plain: DecodingRow) -> list[str]:
    length = best.lengths[-1]
    other = next((row for row in plain.lengths if row.tokens == length.tokens), None)
    if other is None or best.preparation_s is None or other.seconds <= length.seconds:
        return []
    texts = math.ceil(best.preparation_s / (other.seconds - length.seconds))
    return [
        f"Preparing {best.name} took {time_in_words(best.preparation_s)}: against a dynamic cache it has paid for "
        f"itself after {texts:,} {'text' if texts == 1 else 'texts'} of {length.tokens} tokens."
    ]


def _last_rate(row: DecodingRow) -> float:
    return row.lengths[-1].tokens_per_s


def _listed(lengths: Sequence[int]) -> str:
    words = [str(length) for length in lengths]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
