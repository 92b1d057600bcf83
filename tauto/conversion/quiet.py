"""Converters run without a sound, and their failures become one line."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

from tauto.errors import CandidateFailed

__all__ = ["converting", "quiet"]

_LONGEST = 200


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what converters print, log and warn off the user's screen, inside the block only."""
    disabled = logging.root.manager.disable
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(disabled)


@contextlib.contextmanager
def converting(what: str) -> Iterator[None]:
    """Run a conversion quietly; whatever it raises becomes ``CandidateFailed`` of one line that begins with ``what``.

    Raises
    ------
    CandidateFailed
        When the block raises.
    """
    try:
        with quiet():
            yield
    except CandidateFailed:
        raise
    except Exception as error:  # converters raise of every kind; none of it is the user's fault
        raise CandidateFailed(f"{what}: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    root = error
    while root.__cause__ is not None:  # the outer ones only say that the export failed
        root = root.__cause__
    lines = [line.strip() for line in str(root).splitlines() if line.strip()]
    text = f"{type(root).__name__}: {lines[0]}" if lines else type(root).__name__
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
