"""Keeping what torch and its libraries say to themselves off the user's screen."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet"]

_LIBRARIES = ("torch", "torchao")


@contextmanager
def quiet() -> Iterator[None]:
    """Run the block without warnings and without log records of torch and torchao; errors still rise."""
    handlers = _handlers()
    for handler in handlers:
        handler.addFilter(_from_others)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for handler in handlers:
            handler.removeFilter(_from_others)


def _from_others(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] not in _LIBRARIES


def _handlers() -> set[logging.Handler]:
    found = set(logging.root.handlers)
    if logging.lastResort is not None:
        found.add(logging.lastResort)
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.partition(".")[0] in _LIBRARIES:
            found.update(logger.handlers)
    return found
