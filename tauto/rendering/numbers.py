"""How numbers are written for people: three significant digits, units, and the interval where there is one.

Every function takes None as "not known" and writes a dash.
"""

from __future__ import annotations

import math

from tauto.reports import Interval

__all__ = [
    "UNKNOWN",
    "count",
    "data_size",
    "duration",
    "flops",
    "metric",
    "metric_change",
    "number",
    "plural",
    "rate",
    "ratio",
    "seconds",
    "share",
]

UNKNOWN = "–"
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_FLOPS = ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP")
_SHARES = ("accuracy", "precision", "recall", "f1", "auc", "top1", "top5", "top-1", "top-5", "iou")


def number(value: float | None, digits: int = 3) -> str:
    """Return ``value`` with ``digits`` significant digits, never in exponent form below a million million.

    Examples
    --------
    >>> number(0.98217), number(1234.5), number(12.0)
    ('0.982', '1,234', '12.0')
    """
    if value is None:
        return UNKNOWN
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    if not -7 < exponent < 12:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    return f"{value:,.{max(digits - 1 - exponent, 0)}f}".replace("-", "−")


def _scaled(value: float | None, units: tuple[str, ...]) -> str:
    if value is None or not math.isfinite(value):
        return number(value)
    if abs(value) < 1000 and value == int(value):
        return f"{value:.0f} {units[0]}".replace("-", "−")
    step = 0
    # 999.6 would be written 1,000: the next unit is what a reader expects
    while abs(value) >= 999.5 and step < len(units) - 1:
        value, step = value / 1000, step + 1
    return f"{number(value)} {units[step]}"


def duration(milliseconds: float | None) -> str:
    """Return a time given in milliseconds, in the unit that suits it.

    Examples
    --------
    >>> duration(0.4123), duration(3.417), duration(2412), duration(125_000)
    ('412 µs', '3.42 ms', '2.41 s', '2 min 5 s')
    """
    if milliseconds is None or not math.isfinite(milliseconds):
        return number(milliseconds)
    size = abs(milliseconds)
    if size == 0:
        return "0 ms"
    if size < 0.0009995:
        return f"{number(milliseconds * 1e6)} ns"
    if size < 0.9995:
        return f"{number(milliseconds * 1000)} µs"
    if size < 999.5:
        return f"{number(milliseconds)} ms"
    if size < 99_950:
        return f"{number(milliseconds / 1000)} s"
    return _clock(milliseconds / 1000)


def _clock(total_s: float) -> str:
    whole = round(abs(total_s))
    sign = "−" if total_s < 0 else ""
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    parts = [(hours, "h"), (minutes, "min")] if hours else [(minutes, "min"), (rest, "s")]
    return sign + " ".join(f"{value:,} {unit}" for value, unit in parts if value)


def seconds(value: float | None) -> str:
    """Return a time given in seconds, in the unit that suits it."""
    return duration(None if value is None else value * 1000)


def data_size(size_bytes: float | None) -> str:
    """Return a size given in bytes; 1 MB is a million bytes.

    Examples
    --------
    >>> data_size(44_700_000), data_size(512)
    ('44.7 MB', '512 B')
    """
    return _scaled(size_bytes, _SIZES)


def flops(value: float | None) -> str:
    """Return a count of floating-point operations; a multiply and an add count as two."""
    return _scaled(value, _FLOPS)


def count(value: int | None) -> str:
    """Return a whole number, its thousands apart."""
    return UNKNOWN if value is None else f"{value:,}".replace("-", "−")


def plural(value: int, noun: str) -> str:
    """Return ``1 call``, ``2,400 calls``."""
    return f"{count(value)} {noun}{'' if value == 1 else 's'}"


def rate(per_s: float | None) -> str:
    """Return samples a second.

    Examples
    --------
    >>> rate(1234.5)
    '1,234 /s'
    """
    return UNKNOWN if per_s is None else f"{number(per_s)} /s"


def ratio(value: float | None, interval: Interval | None = None) -> str:
    """Return a ratio, with its 95 % interval where there is one, all to the same decimal place.

    Examples
    --------
    >>> ratio(2.3114, Interval(2.2512, 2.3689))
    '2.31× (2.25–2.37)'
    >>> ratio(16.5, Interval(0.0, 4_990_728.0))
    'between under 0.01× and over 100×'
    """
    if value is None or not math.isfinite(value):
        return number(value)
    if interval is not None and not interval.tells:
        return interval.words
    middle = f"{_placed(value, value)}×"
    if interval is None:
        return middle
    return f"{middle} ({_placed(interval.low, value)}–{_placed(interval.high, value)})"


def _placed(value: float, like: float) -> str:
    if not math.isfinite(value):
        return number(value)
    size = abs(like)
    if size >= 1e9 or (0 < size < 0.001):
        return number(value)
    places = 0 if size >= 99.5 else 1 if size >= 9.95 else 2 if size >= 0.0995 else 3
    return f"{value:,.{places}f}".replace("-", "−")


def share(value: float | None) -> str:
    """Return a share of one as a percentage.

    Examples
    --------
    >>> share(0.3614), share(0.0321), share(0.0002)
    ('36 %', '3.2 %', '<0.1 %')
    """
    if value is None or not math.isfinite(value):
        return number(value)
    percent = value * 100
    if math.isinf(percent):
        return number(percent)
    if percent == 0:
        return "0 %"
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    # near the whole a rounded figure would claim what is not so
    places = 0 if 9.95 <= abs(percent) < 99 or abs(percent) >= 100 else 1
    return f"{percent:,.{places}f} %".replace("-", "−")


def metric(name: str, value: float | None) -> str:
    """Return a quality figure; as a percentage when its name says that it is a share of one.

    Examples
    --------
    >>> metric("accuracy", 0.98125), metric("loss", 0.98125)
    ('98.1 %', '0.9812')
    """
    if value is None or not math.isfinite(value):
        return number(value)
    if 0 <= value <= 1 and _is_share(name):
        return f"{value * 100:.1f} %"
    return number(value, 4)


def metric_change(name: str, value: float) -> str:
    """Return the size of a change of a quality figure, in points of a percentage where that is its unit.

    Examples
    --------
    >>> metric_change("accuracy", 0.00097), metric_change("loss", 0.00097)
    ('0.10 points', '0.00097')
    """
    if _is_share(name) and abs(value) <= 1:
        return f"{abs(value) * 100:.2f} points"
    return number(abs(value), 2)


def _is_share(name: str) -> bool:
    return any(word in name.lower() for word in _SHARES)
