"""What a person writes for a figure that is to be reached."""

from __future__ import annotations

import re
from typing import Any

from torch import nn

from tauto.config import parse_bytes, parse_duration
from tauto.errors import InvalidArgument
from tauto.measurement import size_bytes
from tauto.tuning import Target

__all__ = ["check_room", "parse_budget", "parse_factor", "parse_target", "target_of"]

TRIAL_S = 180.0
"""A budget of trials has as much time for each."""


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


def parse_factor(value: Any, argument: str = "speedup") -> float:
    """Return a speedup from ``"2x"`` or ``1.5``."""
    number = None if isinstance(value, bool) else value
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d*\.?\d+)\s*[x×]?\s*", value.lower())):
        number = float(match[1])
    if not isinstance(number, int | float) or not 1 < number < 1000:
        raise InvalidArgument(f"{argument}: {value!r} is no speedup. Write one above 1 and below 1000, as '2x' or 1.5.")
    return float(number)


def parse_target(value: str, argument: str = "stop_at") -> Target:
    """Return the target that one text means: ``"2x"``, ``"3ms"``, ``"5MB"`` or ``"200/s"``.

    Raises
    ------
    InvalidArgument
        When it is none of these.

    Examples
    --------
    >>> parse_target("3ms").words
    'latency of at most 3 ms'
    """
    text = value.strip().lower() if isinstance(value, str) else ""
    if match := re.fullmatch(r"(\d*\.?\d+)\s*/\s*s", text):
        return Target("throughput", float(match[1]))
    if text.endswith(("x", "×")):
        return Target("speedup", parse_factor(text))
    try:
        return (
            Target("size", parse_bytes(text)) if text.endswith("b") else Target("latency", 1000 * parse_duration(text))
        )
    except InvalidArgument:
        raise InvalidArgument(
            f"{argument}: {value!r} is nothing to reach. Write a speedup, a latency, a size or a throughput: '2x', "
            "'3ms', '5MB' or '200/s'."
        ) from None


def parse_budget(value: str | float) -> tuple[float, int | None]:
    """Return seconds and, for a text such as ``"20 trials"``, how many trials.

    Examples
    --------
    >>> parse_budget("2min"), parse_budget("4 trials")
    ((120.0, None), (720.0, 4))
    """
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d+)\s*trials?\s*", value.lower())):
        count = int(match[1])
        if not count:
            raise InvalidArgument("budget: no trial finds nothing. Write at least '1 trial', or a time such as '5min'.")
        return TRIAL_S * count, count
    try:
        return parse_duration(value), None
    except InvalidArgument as error:
        raise InvalidArgument(f"{error} Or write how many trials, such as '20 trials'.") from None


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
