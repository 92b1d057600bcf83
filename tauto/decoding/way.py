"""A way to decode: which cache, compiled or not, in which precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tauto.errors import InvalidArgument, did_you_mean

__all__ = ["WAYS", "Cache", "Precision", "Way", "way_named"]

Cache = Literal["none", "dynamic", "static"]
Precision = Literal["float32", "bfloat16", "float16", "int8_weights", "int8_dynamic"]

_CACHES = {"none": "no cache", "dynamic": "dynamic cache", "static": "static cache"}
_PRECISIONS = {"int8_weights": "int8 weights", "int8_dynamic": "int8 dynamic"}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to make the same tokens.

    Parameters
    ----------
    cache : {"none", "dynamic", "static"}
        No cache: each step reads the whole text again. Dynamic: keys and values are appended, and the cache grows.
        Static: they are written into room that was made before the first token, so that no shape changes.
    compiled : bool
        Whether the step for one new token is compiled; only with a static cache, whose shapes stay.
    precision : {"float32", "bfloat16", "float16", "int8_weights", "int8_dynamic"}
        Of the weights, and of the arithmetic. ``float32`` leaves the model as it is given.

    Examples
    --------
    >>> Way("static", compiled=True).name, Way("dynamic", precision="int8_weights").key
    ('static cache, compiled', 'dynamic-int8_weights')
    """

    cache: Cache
    compiled: bool = False
    precision: Precision = "float32"

    @property
    def name(self) -> str:
        """What it is called on the screen."""
        words = [_CACHES[self.cache], "compiled" if self.compiled else "", self.precision_words if self.lower else ""]
        return ", ".join(word for word in words if word)

    @property
    def key(self) -> str:
        """How it is written in ``ways=`` and ``--ways``."""
        words = [self.cache, "compiled" if self.compiled else "", self.precision if self.lower else ""]
        return "-".join(word for word in words if word)

    @property
    def lower(self) -> bool:
        """Whether it computes in, or stores, less than the model as it is given."""
        return self.precision != "float32"

    @property
    def precision_words(self) -> str:
        """The precision as it is said."""
        return _PRECISIONS.get(self.precision, self.precision)


WAYS = (
    Way("dynamic"),
    Way("static"),
    Way("none"),
    Way("static", compiled=True),
    Way("static", compiled=True, precision="bfloat16"),
    Way("static", compiled=True, precision="int8_weights"),
    Way("dynamic", precision="bfloat16"),
    Way("dynamic", precision="int8_dynamic"),
    Way("static", compiled=True, precision="float16"),
    Way("dynamic", precision="int8_weights"),
    Way("static", compiled=True, precision="int8_dynamic"),
    Way("dynamic", precision="float16"),
)
"""Every way that is tried, what tells most first: a budget may end before the last."""


def way_named(key: str) -> Way:
    """Return the way of this name.

    Raises
    ------
    InvalidArgument
        When there is none.

    Examples
    --------
    >>> way_named("static-compiled")
    Way(cache='static', compiled=True, precision='float32')
    """
    known = {way.key: way for way in WAYS}
    if key not in known:
        raise InvalidArgument(f"ways: there is no {key!r}. {did_you_mean(str(key), known)}".rstrip())
    return known[key]
