"""Where the compiler cut a model, heard from its own log."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from tauto.techniques.engines.dynamo.causes import cause_of_break
from tauto.techniques.engines.dynamo.lines import UserLine, user_line

__all__ = ["Break", "HeardBreaks", "break_of"]

_LOGGERS = ("torch._dynamo.exc", "torch._dynamo.symbolic_convert", "torch._dynamo.convert_frame")
_PLACE = re.compile(r"Graph break in user code at (?P<file>.+):(?P<line>\d+)\s*$", re.MULTILINE)
_BODY = re.compile(r"Graph Break Reason:(?P<body>.*?)(?:\nUser code traceback:(?P<stack>.*))?$", re.DOTALL)
_LEAD = re.compile(r"^(Encountered graph break when attempting to .*|Failed to handle graph break gracefully.*)$")
_WHOLE = ("Failed to handle graph break gracefully", "graph break in loop")


@dataclass(frozen=True, slots=True)
class Break:
    """One place at which the compiler goes back to plain Python."""

    line: UserLine | None
    reason: str
    advice: str
    whole_function: bool
    """The function that holds it is run uncompiled as a whole, not only cut in two."""


class HeardBreaks:
    """Graph breaks while the ``with`` block runs, each place once, in order."""

    def __init__(self) -> None:
        self._records: list[str] = []
        self._before: list[tuple[logging.Logger, int, bool]] = []
        self._handler = _Handler(self._records)

    def __enter__(self) -> Self:
        for name in _LOGGERS:
            __import__(name)  # the logger exists from then on
            logger = logging.getLogger(f"{name}.__graph_breaks")
            self._before.append((logger, logger.level, logger.propagate))
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
            logger.addHandler(self._handler)
        return self

    def __exit__(self, *_: object) -> None:
        for logger, level, propagate in self._before:
            logger.removeHandler(self._handler)
            logger.setLevel(level)
            logger.propagate = propagate

    @property
    def breaks(self) -> tuple[Break, ...]:
        """What was heard."""
        return _merged(found for text in self._records if (found := break_of(text)) is not None)


class _Handler(logging.Handler):
    def __init__(self, records: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record.getMessage())


def break_of(text: str) -> Break | None:
    """Return the graph break that a record of torch's log tells of; None where it tells of none.

    Parameters
    ----------
    text : str
        As ``TORCH_LOGS=graph_breaks`` prints it.
    """
    place, found = _PLACE.search(text), _BODY.search(text)
    if found is None:
        return None
    body = found["body"]
    lines = [line.strip() for line in body.splitlines()]
    title = next((line for line in lines if line and not _LEAD.match(line)), "")
    cause = cause_of_break(title, body)
    line = user_line(found["stack"] or "")
    if line is None and place is not None:
        line = UserLine(place["file"], int(place["line"]))
    return Break(line, cause.reason, cause.advice, any(sign in body for sign in _WHOLE))


def _merged(found: Iterable[Break]) -> tuple[Break, ...]:
    """Return one of each place and reason: a function may be traced more than once; the graver account counts."""
    merged: dict[tuple[UserLine | None, str], Break] = {}
    for one in found:
        key = (one.line, one.reason)
        if key not in merged or one.whole_function:
            merged[key] = one
    # of a cut that is met again torch does not tell the line
    known = {one.reason for one in merged.values() if one.line is not None}
    return tuple(one for one in merged.values() if one.line is not None or one.reason not in known)
