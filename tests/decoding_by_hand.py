"""Decodings made by hand, for the tests of all that shows, keeps or returns one."""

from __future__ import annotations

from dataclasses import replace

from tauto.reports import (
    CacheGain,
    Conditions,
    DecodingConfirmation,
    DecodingReport,
    DecodingRow,
    Interval,
    LengthRow,
    TokenAgreement,
)

EQUAL = TokenAgreement(1.0, 200, None, 31, 1.0, 64)
OTHER = TokenAgreement(0.42, 200, 84, 31, 0.953, 64)
WANTED = (25, 50, 100, 200)


def curve(*per_s: float, estimated: bool = False, runs: int = 3) -> tuple[LengthRow, ...]:
    """Tokens a second at each of the wanted lengths, from the first."""
    pairs = zip(WANTED, per_s, strict=False)
    return tuple(LengthRow(n, n / r, 0.98 * n / r, 1.03 * n / r, r, runs, estimated) for n, r in pairs)


def row(key: str, name: str, status: str, *per_s: float, reason: str = "", **more: object) -> DecodingRow:
    cache, compiled = key.partition("-")[0], "compiled" in key
    found = DecodingRow(key, name, cache, compiled, "float32", status, reason)  # type: ignore[arg-type]
    if not per_s:
        return replace(found, **more)  # type: ignore[arg-type]
    timed = {
        "first_token_ms": 31.2,
        "first_token_low_ms": 30.9,
        "first_token_high_ms": 33.0,
        "lengths": curve(*per_s),
        "preparation_s": 1.2,
        "cache_bytes": 0 if cache == "none" else 7_900_000,
        "agreement": EQUAL,
    }
    return replace(found, **{**timed, **more})  # type: ignore[arg-type]


def decoding() -> DecodingReport:
    """A search that found the compiled static cache; without a cache only two lengths were run whole."""
    bare = row("none", "no cache", "measured", 7.9, 7.1)
    bare = replace(bare, lengths=(*bare.lengths, *curve(7.9, 7.1, 5.9, 3.1, estimated=True, runs=2)[2:]))
    return DecodingReport(
        model="gpt2",
        verdict="improved",
        reason="static cache, compiled makes 200 tokens 1.31× as fast as the original (1.24–1.38×)",
        rows=(
            row("dynamic", "dynamic cache", "original", 24.1, 25.3, 25.0, 24.7, reason="as it is called now"),
            row("static", "static cache", "measured", 22.9, 23.0, 22.8, 22.7),
            row("static-compiled", "static cache, compiled", "kept", 31.0, 32.0, 32.5, 32.3, preparation_s=41.0),
            bare,
            row("dynamic-int8_dynamic", "dynamic cache, int8 dynamic", "rejected", 33.0, 34.0, agreement=OTHER),
            row("dynamic-int8_weights", "dynamic cache, int8 weights", "failed", reason="raised RuntimeError: no"),
            row("dynamic-bfloat16", "dynamic cache, bfloat16", "skipped", reason="this CPU has no bfloat16 arithmetic"),
        ),
        winner="static-compiled",
        confirmed=DecodingConfirmation(
            "static-compiled", 200, 1.31, Interval(1.24, 1.38), 8.1, 6.2, runs=5, verdict="better"
        ),
        gains=(
            CacheGain(25, 3.05, 3.92, "static-compiled", False, Interval(3.8, 4.1)),
            CacheGain(200, 7.97, 10.4, "static-compiled", True, Interval(10.1, 10.9)),
        ),
        target=10.0,
        reached_at=200,
        advice=("Preparing static cache, compiled took 41 s: it has paid for itself after 22 texts of 200 tokens.",),
        quality_rule="all greedy tokens are the original's",
        prompt_tokens=16,
        batch=1,
        wanted=WANTED,
        conditions=Conditions("Intel Xeon, 2 cores", "4f2a9c01", "cpu", 2, ("int64[1, 16]",), 1),
        budget_s=300.0,
        wall_s=214.0,
    )


def kept_decoding() -> DecodingReport:
    """One that kept the original, where a cache does not help, and was stopped."""
    found = decoding()
    original = replace(found.rows[0], agreement=replace(EQUAL, distinct=1))
    return replace(
        found,
        verdict="kept_original",
        reason="no way that makes the original's tokens is faster",
        rows=(original, row("none", "no cache", "measured", 26.0)),
        winner=None,
        confirmed=None,
        gains=(CacheGain(25, 0.93, 0.93, "dynamic", False, Interval(0.84, 1.04)),),
        reached_at=None,
        advice=("A cache alone was not seen to help at any length: 0.93× at 25.",),
        interrupted=True,
    )


def bare_decoding() -> DecodingReport:
    """One that was stopped before anything was measured."""
    return replace(kept_decoding(), rows=(), gains=(), advice=())


def every_decoding() -> tuple[DecodingReport, ...]:
    return decoding(), kept_decoding(), bare_decoding()


def hostile_decoding(text: str) -> DecodingReport:
    """One whose every text is ``text``."""
    found = decoding()
    rows = tuple(replace(one, key=text, name=text, precision=text, reason=text, output_tail=text) for one in found.rows)
    gains = tuple(replace(gain, best_key=text) for gain in found.gains)
    more = {"model": text, "reason": text, "quality_rule": text, "winner": text, "advice": (text,)}
    return replace(found, rows=rows, gains=gains, **more)  # type: ignore[arg-type]
