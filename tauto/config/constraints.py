"""What the optimized model must keep to, as a person writes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from tauto.config.quantities import Drop, parse_bytes, parse_drop, parse_duration
from tauto.errors import InvalidArgument

__all__ = ["Constraints"]


@dataclass(frozen=True, slots=True)
class Constraints:
    """Limits on the optimized model, each measured; what breaks one is never returned as an improvement.

    Parameters
    ----------
    max_drop : str, float or Drop, optional
        Quality that may be lost: ``"1%"`` of the original's figure, or ``0.01`` in the metric's unit. Default: 1 %.
    max_latency_ms, max_p95_ms : float, optional
        Milliseconds of a call, the median and the 95th percentile.
    min_throughput : float, optional
        Samples a second, at the batch size of the inputs.
    max_memory_bytes : float, optional
        Memory by which a process grows that loads the model and uses it.
    max_size_bytes : float, optional
        Bytes to ship.
    max_preparation_s : float, optional
        Seconds to make the model, once.

    Raises
    ------
    InvalidArgument
        When a limit is no positive number, or two contradict each other.

    Examples
    --------
    >>> Constraints(max_latency_ms=3, max_size_bytes=5_000_000).given
    {'max_latency_ms': 3.0, 'max_size_bytes': 5000000.0}
    """

    max_drop: str | float | Drop | None = None
    max_latency_ms: float | None = None
    max_p95_ms: float | None = None
    min_throughput: float | None = None
    max_memory_bytes: float | None = None
    max_size_bytes: float | None = None
    max_preparation_s: float | None = None

    def __post_init__(self) -> None:
        if self.max_drop is not None:
            object.__setattr__(self, "max_drop", parse_drop(self.max_drop))
        for name in self._limits():
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise InvalidArgument(f"{name}: {value!r} is no limit. Write a number above 0, such as {name}=100.")
            object.__setattr__(self, name, float(value))
        median, slow = self.max_latency_ms, self.max_p95_ms
        if median is not None and slow is not None and slow < median:
            raise InvalidArgument(
                f"max_p95_ms: {slow:g} ms is below max_latency_ms, {median:g} ms, but no p95 is below its median. "
                "Ask for a p95 above the median, or for one of the two."
            )

    @classmethod
    def parse(cls, **texts: str | None) -> Self:
        """Return the constraints that the options mean.

        Parameters
        ----------
        **texts : str or None
            ``max_latency="3ms"``, ``max_p95="5ms"``, ``min_throughput="200"``, ``max_memory="200MB"``,
            ``max_size="5MB"``, ``max_preparation="1min"``, ``max_drop="1%"``.

        Raises
        ------
        InvalidArgument
            When one means nothing, named as it was given.

        Examples
        --------
        >>> Constraints.parse(max_latency="3ms", max_size="5MB").given
        {'max_latency_ms': 3.0, 'max_size_bytes': 5000000.0}
        """
        given = {key: text for key, text in texts.items() if text is not None}
        return cls(**{field: read(given[key], key) for key, (field, read) in _OPTIONS.items() if key in given})

    @property
    def given(self) -> Mapping[str, float]:
        """The limits that are set, without that on quality."""
        return {name: value for name in self._limits() if (value := getattr(self, name)) is not None}

    @classmethod
    def _limits(cls) -> list[str]:
        return [field.name for field in fields(cls) if field.name != "max_drop"]


def _milliseconds(text: str, argument: str) -> float:
    return 1000 * parse_duration(text, argument)


def _number(text: str, argument: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidArgument(f"{argument}: {text!r} is no number. Write samples a second, such as 200.") from None


_OPTIONS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "max_drop": ("max_drop", parse_drop),
    "max_latency": ("max_latency_ms", _milliseconds),
    "max_p95": ("max_p95_ms", _milliseconds),
    "min_throughput": ("min_throughput", _number),
    "max_memory": ("max_memory_bytes", parse_bytes),
    "max_size": ("max_size_bytes", parse_bytes),
    "max_preparation": ("max_preparation_s", parse_duration),
}
