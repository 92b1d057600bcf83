"""Everything TAuto raises on purpose: one base, and each child is also a builtin kind.

A message says what, why, and what to write instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "CandidateFailed",
    "EvaluateError",
    "FallbackWarning",
    "Interrupted",
    "InvalidArgument",
    "MissingDependency",
    "ModelError",
    "NotExportable",
    "NotTransferable",
    "RecipeError",
    "StoreWarning",
    "StudyError",
    "TautoError",
    "TrialFailed",
    "UncountedWarning",
    "VerificationWarning",
    "a_kind",
    "did_you_mean",
]


class TautoError(Exception):
    """Base of every error that TAuto raises on purpose."""


class InvalidArgument(TautoError, ValueError):
    """An argument is not of the kind or range that is asked for."""


class ModelError(TautoError, ValueError):
    """The model cannot be optimized or run as it is; the message carries the model's own words."""


class EvaluateError(TautoError, RuntimeError):
    """The user's ``evaluate`` raised, or returned something that is not a finite number."""


class NotTransferable(TautoError, ValueError):
    """Something that a trial needs cannot be sent to another process; the message names it."""


class RecipeError(TautoError, ValueError):
    """A recipe is malformed, illegal, or from a newer version."""


class MissingDependency(TautoError, ImportError):
    """An optional library is missing; the message carries the pip line that adds it."""


class StudyError(TautoError, RuntimeError):
    """The storage of a study cannot be reached, read or written; the message says where and what to do."""


class TrialFailed(TautoError, RuntimeError):
    """A trial ended without a result (a crash, a limit); the message is its reason."""


class CandidateFailed(Exception):  # an outcome of a candidate, not a fault
    """This candidate cannot be made; skip it and go on. Not fatal, so not a :class:`TautoError`."""


class NotExportable(CandidateFailed):
    """The model cannot be exported: whatever else needs that fails alike."""


class FallbackWarning(UserWarning):
    """Inputs that were not prepared for are answered by a slower form of the model; the answer is right."""


class StoreWarning(UserWarning):
    """A result could not be written to the store; the result itself is kept."""


class VerificationWarning(UserWarning):
    """What was loaded could not be verified here, or is not worth it here, so that the original came back."""


class UncountedWarning(UserWarning):
    """Some operators' work is not counted; the count is of all the others."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence with close matches of ``name`` among ``known``, or all of them when few.

    Examples
    --------
    >>> did_you_mean("modle", ["model", "teacher"])
    "Did you mean 'model'?"
    """
    names = sorted(set(known))
    if close := difflib.get_close_matches(name, names, n=3, cutoff=0.6):
        return "Did you mean " + " or ".join(repr(match) for match in close) + "?"
    if 0 < len(names) <= 12:
        return "There is: " + ", ".join(names) + "."
    return ""


class Interrupted(KeyboardInterrupt):
    """A search was stopped by the user; ``result`` is the best found so far, already stored.

    Still a :class:`KeyboardInterrupt`, so that Run All stops.
    """

    def __init__(self, result: object) -> None:
        super().__init__("stopped: the best so far is tauto.last()")
        self.result = result


def a_kind(value: object) -> str:
    """Return the kind of ``value`` with its article, for a message.

    Examples
    --------
    >>> a_kind(3), a_kind("three")
    ('an int', 'a str')
    """
    name = type(value).__name__
    return f"{'an' if name[:1] in 'aeioAEIO' else 'a'} {name}"
