"""What a person writes for a figure that is to be reached."""

from __future__ import annotations

import re
from typing import Any

from torch import nn

from tauto.config import parse_duration
from tauto.errors import InvalidArgument
from tauto.measurement import size_bytes
from tauto.tuning import Target

__all__ = ["check_room", "parse_bytes", "parse_factor", "target_of"]

_UNITS = {"b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30}


def target_of(speedup: Any = None, latency: Any = None, size: Any = None, **others: Any) -> Target | None:
    """Return the target that one of these means; None when none is given.

    Parameters
    ----------
    speedup, latency, size : str, float or None
        ``"2x"``; ``"3ms"`` (a number is seconds); ``"5MB"`` (a number is bytes).
    others
        What else would decide how much goes, by the argument's name: only one of all may be given.

    Raises
    ------
    InvalidArgument
        When several are given, or one means nothing.

    Examples
    --------
    >>> str(target_of(speedup="1.5x"))
    '1.5×'
    """
    given = {**others, "speedup": speedup, "latency": latency, "size": size}
    said = [key for key, value in given.items() if value is not None]
    if len(said) > 1:
        raise InvalidArgument(f"{said[1]}: {' and '.join(said)} are given, and each decides how much goes. Give one.")
    if speedup is not None:
        return Target("speedup", parse_factor(speedup))
    if latency is not None:
        return Target("latency", 1000 * parse_duration(latency, "latency"))
    return None if size is None else Target("size", parse_bytes(size))


def parse_factor(value: Any) -> float:
    """Return a speedup from ``"2x"`` or ``1.5``."""
    number = None if isinstance(value, bool) else value
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d*\.?\d+)\s*[x×]?\s*", value.lower())):
        number = float(match[1])
    if not isinstance(number, int | float) or not 1 < number < 1000:
        raise InvalidArgument(f"speedup: {value!r} is no speedup. Write one above 1, as '2x' or 1.5.")
    return float(number)


def parse_bytes(value: Any) -> float:
    """Return bytes from ``"5MB"`` or a number of them."""
    number = None if isinstance(value, bool) else value
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d*\.?\d+)\s*([kmg]?i?b)\s*", value.lower())):
        number = float(match[1]) * _UNITS[match[2]]
    if not isinstance(number, int | float) or not 0 < number < float("inf"):
        raise InvalidArgument(f"size: {value!r} is no size. Write one such as '5MB' or '300kB'; a number is bytes.")
    return float(number)


def check_room(model: nn.Module, target: Target | None) -> None:
    """Refuse a size that ``model`` has already.

    Raises
    ------
    InvalidArgument
        When it is within the target as it is.
    """
    if target is None or target.kind != "size" or (size := size_bytes(model)) > target.value:
        return
    now = Target("size", size)
    raise InvalidArgument(f"size: the model is {now} as it is, within the {target} asked for. Ask for less.")
