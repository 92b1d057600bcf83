"""How a person writes which dimension of the inputs is to be tried at which sizes: ``batch=1..64``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tauto.errors import InvalidArgument, did_you_mean

__all__ = ["SCALES", "Dimension", "Scale", "parse_scale"]

SCALES = {
    "batch": "dimension 0 of every input that has the batch there",
    "seq": "dimension 1 of every input that has the sequence there",
    "height": "the last dimension but one of every image",
    "width": "the last dimension of every image",
    "size": "height and width of every image together",
    "tokens": "new tokens that the model generates",
}
"""The dimensions that have a name, and what each means."""

MOST = 64
LARGEST = 2**40
_TARGET = re.compile(r"(\w+)\.(\d+)")
_RANGE = re.compile(r"(\d+)\s*\.\.\s*(\d+)")
_HOW = "Write such as 'batch=1..64', 'seq=64,128,256', or an input and its dimension: 'x.2=32..256'"


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension of one input: its name or position among the arguments, and the dimension's number."""

    input: str
    index: int

    def __str__(self) -> str:
        return f"{self.input}.{self.index}"


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes to try, and of what.

    Parameters
    ----------
    name : str
        One of :data:`SCALES`, or empty when ``dimensions`` are named.
    dimensions : tuple of Dimension
        All of them take the same size together.
    sizes : tuple of int
        Ascending.
    """

    name: str
    dimensions: tuple[Dimension, ...]
    sizes: tuple[int, ...]

    @property
    def target(self) -> str:
        """What is scaled, as it is written."""
        return self.name or "+".join(map(str, self.dimensions))

    def __str__(self) -> str:
        return f"{self.target}={','.join(map(str, self.sizes))}"


def parse_scale(value: str | Scale, argument: str = "scale") -> Scale:
    """Return the :class:`Scale` that ``value`` says.

    Before the ``=`` stands a name (``batch``, ``seq``, ``height``, ``width``, ``size``, ``tokens``), or inputs with a
    dimension each, which then take the same size: ``x.2``, ``0.1`` (the first argument), ``x.1+mask.1``. After it stand
    the sizes: ``1..64`` doubles from 1 and ends with 64, ``8,24,100`` are these.

    Raises
    ------
    InvalidArgument
        When it does not parse, a size is zero, a range is reversed, or the name is none of these.

    Examples
    --------
    >>> parse_scale("batch=1..10").sizes
    (1, 2, 4, 8, 10)
    >>> str(parse_scale("x.1 + mask.1 = 64, 32"))
    'x.1+mask.1=32,64'
    """
    if isinstance(value, Scale):
        return value
    if not isinstance(value, str) or value.count("=") != 1:
        raise InvalidArgument(f"{argument}: {value!r} does not say what to scale and over which sizes. {_HOW}.")
    target, sizes = (part.strip() for part in value.split("="))
    name, dimensions = _target(target, argument)
    return Scale(name, dimensions, _sizes(sizes, argument))


def _target(text: str, argument: str) -> tuple[str, tuple[Dimension, ...]]:
    if text in SCALES:
        return text, ()
    found = [_TARGET.fullmatch(part.strip()) for part in text.split("+")]
    if all(found):
        return "", tuple(dict.fromkeys(Dimension(one[1], int(one[2])) for one in found if one))
    if re.fullmatch(r"\w+", text):
        raise InvalidArgument(
            f"{argument}: {text!r} is no dimension that has a name. {did_you_mean(text, SCALES)} "
            f"Of an input write the dimension's number too: '{text}.1=…'."
        )
    raise InvalidArgument(f"{argument}: {text!r} names no dimension. {_HOW}.")


def _sizes(text: str, argument: str) -> tuple[int, ...]:
    if found := _RANGE.fullmatch(text):
        low, high = int(found[1]), int(found[2])
        if low > high:
            raise InvalidArgument(f"{argument}: the range {text} is reversed. Write {high}..{low}.")
        sizes = _doubling(low, high, argument)
    elif re.fullmatch(r"\d+(\s*,\s*\d+)*", text):
        sizes = tuple(sorted({int(part) for part in text.split(",")}))
    else:
        raise InvalidArgument(f"{argument}: {text!r} are no sizes. Write a range such as 1..64, or sizes such as 8,16.")
    if sizes[0] < 1 or sizes[-1] > LARGEST:
        raise InvalidArgument(f"{argument}: sizes go from 1 to {LARGEST}; there is {text}.")
    if len(sizes) > MOST:
        raise InvalidArgument(f"{argument}: {len(sizes)} sizes are too many. Write at most {MOST}.")
    return sizes


def _doubling(low: int, high: int, argument: str) -> tuple[int, ...]:
    if low < 1 or high > LARGEST:
        raise InvalidArgument(f"{argument}: sizes go from 1 to {LARGEST}; there is {low}..{high}.")
    sizes = [low]
    while sizes[-1] * 2 < high:
        sizes.append(sizes[-1] * 2)
    return (*sizes, high) if high > low else (low,)
