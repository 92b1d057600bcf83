"""How fast a model makes text in each way, and what a key-value cache brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tauto.reports.comparison import Conditions, Interval
from tauto.reports.report import Report

__all__ = ["CacheGain", "DecodingConfirmation", "DecodingReport", "DecodingRow", "LengthRow", "TokenAgreement"]


@dataclass(frozen=True, slots=True)
class LengthRow:
    """Time to so many new tokens, the prompt's reading included."""

    tokens: int
    seconds: float
    """Median of the runs."""
    low_s: float
    high_s: float
    """Fastest and slowest run."""
    tokens_per_s: float
    """New tokens of all sequences over the median."""
    runs: int
    estimated: bool = False
    """Whether it is no whole run, but a sum over steps timed at places of the text and interpolated between them."""


@dataclass(frozen=True, slots=True)
class TokenAgreement:
    """How far the tokens are the original's."""

    equal: float
    """Share of equal greedy tokens, 0 to 1; one that differs changes all that follow it."""
    compared: int
    """Greedy tokens of all sequences that were compared."""
    first_difference: int | None
    """Place of the first other token, from 0; None when all are equal."""
    distinct: int
    """Different tokens among the original's: one or two say that the text repeats itself."""
    same_text: float | None
    """Share of equal next tokens where both read the same text, whatever they would have chosen."""
    same_text_tokens: int
    """Next tokens that this is of."""


@dataclass(frozen=True, slots=True)
class DecodingRow:
    """One way to decode."""

    key: str
    """As it is written in ``ways=``."""
    name: str
    cache: Literal["none", "dynamic", "static"]
    compiled: bool
    precision: str
    status: Literal["original", "kept", "measured", "rejected", "failed", "skipped"]
    reason: str
    first_token_ms: float | None = None
    """Time to the first token: median of the runs."""
    first_token_low_ms: float | None = None
    first_token_high_ms: float | None = None
    lengths: tuple[LengthRow, ...] = ()
    preparation_s: float | None = None
    """Making the copy and compiling, before the first token."""
    cache_bytes: int | None = None
    """Of the cache after the longest run, by the shapes of its tensors; 0 without one."""
    agreement: TokenAgreement | None = None
    wall_s: float = 0.0
    output_tail: str = ""
    """The last lines that a failed trial printed."""


@dataclass(frozen=True, slots=True)
class CacheGain:
    """The fastest way with a cache, and the plain cache, over none, at one length."""

    tokens: int
    plain: float | None
    """Speedup of a cache alone (uncompiled, in the model's own precision) over none."""
    best: float
    """Speedup of the fastest way with a cache whose tokens are right."""
    best_key: str
    estimated: bool
    """Whether the time without a cache is an estimate."""
    spread: Interval
    """Of ``best``: its slowest run over the fastest without a cache, and its fastest over the slowest."""


@dataclass(frozen=True, slots=True)
class DecodingConfirmation:
    """The fastest way against the original, in turn in one fresh process."""

    key: str
    tokens: int
    speedup: float
    interval: Interval
    """95 %, or 99 % where the runs ended before it was narrow."""
    original_s: float
    decoded_s: float
    runs: int
    """Of each side."""
    verdict: Literal["better", "same", "worse"]


@dataclass(frozen=True, slots=True)
class DecodingReport(Report):
    """Every way in which a decoder was tried."""

    kind: ClassVar[str] = "decoding"

    model: str
    verdict: Literal["improved", "kept_original"]
    reason: str
    """Why, in one sentence with its numbers."""
    rows: tuple[DecodingRow, ...]
    winner: str | None
    """Key of the way to use; None when the original was kept."""
    confirmed: DecodingConfirmation | None
    gains: tuple[CacheGain, ...]
    target: float | None
    """The speedup by a cache that was asked after; None where none was."""
    reached_at: int | None
    """The shortest length at which the best way reaches it."""
    advice: tuple[str, ...]
    """Where a cache does not help and why, in sentences."""
    quality_rule: str
    prompt_tokens: int
    batch: int
    wanted: tuple[int, ...]
    """Numbers of new tokens that were asked for."""
    conditions: Conditions
    budget_s: float
    wall_s: float
    interrupted: bool = False
