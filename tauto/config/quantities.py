"""How a person writes a duration, a size or an allowed drop, the same in Python, magics and the terminal."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tauto.errors import InvalidArgument

__all__ = ["Drop", "parse_bytes", "parse_drop", "parse_duration", "rounded_up", "time_in_words"]

_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_PART = r"(\d+(?:\.\d+)?)\s*(ms|sec|s|min|m|h)"
_PARTS = re.compile(_PART)
_BYTES = {"b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30}
_DURATION = re.compile(rf"\s*(?:{_PART}\s*)+", re.IGNORECASE)


def parse_duration(value: str | float, argument: str = "budget") -> float:
    """Return seconds from ``"90s"``, ``"2min"``, ``"1h30min"`` or a number of seconds.

    Raises
    ------
    InvalidArgument
        When the value does not parse, or is not a positive finite time.

    Examples
    --------
    >>> parse_duration("1h30min")
    5400.0
    """
    seconds: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str):
        text = value.strip().lower()
        if re.fullmatch(r"\d+(\.\d+)?", text):
            seconds = float(text)
        elif _DURATION.fullmatch(text):
            seconds = sum(float(number) * _UNITS[unit] for number, unit in _PARTS.findall(text))
    if seconds is None or not math.isfinite(seconds) or seconds <= 0:
        raise InvalidArgument(
            f"{argument}: {value!r} is not a time. Write a positive time such as '90s', '5min' or '1h30min'."
        )
    return seconds


def rounded_up(seconds: float) -> str:
    """Return at least ``seconds`` as a person writes it, for an advice: tens of seconds, whole minutes from two on.

    Examples
    --------
    >>> rounded_up(61), rounded_up(330), rounded_up(4000)
    ('70s', '6min', '1h7min')
    """
    if seconds <= 110:
        return f"{10 * math.ceil(seconds / 10)}s"
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    return f"{hours}h" * bool(hours) + f"{minutes}min" * bool(minutes)


def time_in_words(seconds: float) -> str:
    """Return ``seconds`` as a sentence tells them: three digits below two minutes, then minutes and hours.

    Examples
    --------
    >>> time_in_words(14.93), time_in_words(804), time_in_words(7260)
    ('14.9 s', '13 min 24 s', '2 h 1 min')
    """
    if seconds < 119.5:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min" + f" {rest} s" * bool(rest)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + f" {minutes} min" * bool(minutes)


def parse_bytes(value: str | float, argument: str = "size") -> float:
    """Return bytes from ``"5MB"``, ``"300kB"``, ``"1GiB"`` or a number of them.

    Raises
    ------
    InvalidArgument
        When the value does not parse, or is not above 0.

    Examples
    --------
    >>> parse_bytes("5MB")
    5000000.0
    """
    number = None if isinstance(value, bool) else value
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d*\.?\d+)\s*([kmg]?i?b)\s*", value.lower())):
        number = float(match[1]) * _BYTES[match[2]]
    if not isinstance(number, int | float) or not 0 < number < math.inf:
        raise InvalidArgument(
            f"{argument}: {value!r} is no size. Write one such as '5MB' or '300kB'; a number is bytes."
        )
    return float(number)


@dataclass(frozen=True, slots=True)
class Drop:
    """How much quality may be lost.

    Parameters
    ----------
    value : float
        A share of the original's figure when ``relative``, else in the metric's own unit.
    relative : bool
        Whether ``value`` is relative to the original.
    """

    value: float
    relative: bool

    def allowed(self, original: float) -> float:
        """Return the largest loss allowed for a metric that was ``original``, in the metric's unit."""
        return self.value * abs(original) if self.relative else self.value

    def __str__(self) -> str:
        return f"{self.value * 100:g}%" if self.relative else f"{self.value:g}"


def parse_drop(value: str | float | Drop, argument: str = "max_drop") -> Drop:
    """Return the :class:`Drop` meant by ``"1%"`` (relative) or ``0.01`` (absolute, the metric's unit).

    Raises
    ------
    InvalidArgument
        When the value does not parse, is negative, or is a share above 100 %.

    Examples
    --------
    >>> parse_drop("1%")
    Drop(value=0.01, relative=True)
    """
    if isinstance(value, Drop):
        return value
    relative, number = False, math.nan
    if isinstance(value, str):
        text = value.strip()
        relative = text.endswith("%")
        text = text.removesuffix("%").strip()
        if re.fullmatch(r"\d*\.?\d+(?:[eE][-+]?\d+)?", text):
            number = float(text) / (100 if relative else 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    if not math.isfinite(number) or number < 0 or (relative and number > 1):
        raise InvalidArgument(
            f"{argument}: {value!r} is not a drop. Write '1%' (of the original's figure) "
            "or 0.01 (in the metric's own unit)."
        )
    return Drop(number, relative)
