"""What a search is for: which figures of the objective, in which direction, and within which limits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

from tauto.errors import InvalidArgument, did_you_mean

__all__ = ["Constraint", "Directions", "Goal", "Settled"]

Direction: TypeAlias = Literal["maximize", "minimize"]
Directions: TypeAlias = str | Sequence[str] | Mapping[str, str]
_DIRECTIONS = ("maximize", "minimize")
_LIMIT = re.compile(r"\s*([^<>=\s][^<>=]*?)\s*(<=|>=)\s*(\S+)\s*")
_ONE = "value"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A limit of one figure, such as ``size_mb <= 5``.

    Examples
    --------
    >>> Constraint.parse("size_mb<=5").violation(5.5)
    0.5
    """

    name: str
    sense: Literal["<=", ">="]
    limit: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the constraint that ``text`` says.

        Raises
        ------
        InvalidArgument
            When it says none.
        """
        found = _LIMIT.fullmatch(text) if isinstance(text, str) else None
        try:
            limit = float(found[3]) if found else math.nan
        except ValueError:
            limit = math.nan
        if found is None or not math.isfinite(limit):
            raise InvalidArgument(
                f"constraints: {text!r} is no limit. Write such as 'size_mb <= 5' or 'recall >= 0.9'."
            )
        return cls(found[1], "<=" if found[2] == "<=" else ">=", limit)

    def violation(self, value: float) -> float:
        """Return by how much ``value`` is beyond the limit; 0 or less where it keeps it."""
        return value - self.limit if self.sense == "<=" else self.limit - value

    def __str__(self) -> str:
        return f"{self.name} {self.sense} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Settled:
    """What an objective returned, as figures; or why it is no result."""

    values: tuple[float, ...] = ()
    figures: tuple[tuple[str, float], ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a search is for.

    Parameters
    ----------
    objectives : tuple of (str, str)
        Name and direction of each; the name of a single plain figure is ``value``.
    constraints : tuple of Constraint
        Of figures that the objective returns by name.
    """

    objectives: tuple[tuple[str, Direction], ...]
    constraints: tuple[Constraint, ...] = ()

    @classmethod
    def parse(cls, direction: Directions = "maximize", constraints: str | Iterable[str] = ()) -> Self:
        """Return the goal that ``direction`` and ``constraints`` say.

        ``direction`` is ``"maximize"``, ``"minimize"``, one of these for each figure of a tuple, or a mapping from
        names to them; in text ``"accuracy=maximize,latency_ms=minimize"``.

        Raises
        ------
        InvalidArgument
            When one is neither, or a name comes twice.
        """
        pairs = _pairs(direction)
        for _, way in pairs:
            if way not in _DIRECTIONS:
                raise InvalidArgument(f"direction: there is no {way!r}. {did_you_mean(str(way), _DIRECTIONS)}")
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise InvalidArgument(f"direction: a name comes twice in {', '.join(names)}.")
        texts = constraints.split(",") if isinstance(constraints, str) else list(constraints)
        limits = tuple(Constraint.parse(text) for text in texts)
        return cls(tuple((name, "maximize" if way == "maximize" else "minimize") for name, way in pairs), limits)

    @property
    def directions(self) -> list[Direction]:
        """The direction of each objective."""
        return [way for _, way in self.objectives]

    @property
    def words(self) -> tuple[str, ...]:
        """It all, as it is written down."""
        return (*(f"{way} {name}" for name, way in self.objectives), *map(str, self.constraints))

    def settle(self, returned: Any) -> Settled:
        """Return what the objective's answer means: a number, a list of them, or a dict by name."""
        if returned is None:
            return Settled(why_not="returned nothing: end it with the figure to optimize")
        names = [name for name, _ in self.objectives]
        if isinstance(returned, Mapping):
            figures = dict(returned)
            if names == [_ONE] and _ONE not in figures:
                rest = [name for name in figures if name not in {one.name for one in self.constraints}]
                if len(rest) != 1:
                    return Settled(
                        why_not=f"returned {_listed(figures)}: say which counts, direction={{'name': 'maximize'}}"
                    )
                figures[_ONE] = figures[rest[0]]
        else:
            row = returned if isinstance(returned, list) else [returned]
            if len(row) != len(names):
                return Settled(
                    why_not=f"returned {len(row)} figures where {len(names)} are asked for ({', '.join(names)})"
                )
            figures = dict(zip(names, row, strict=True))
        for name in dict.fromkeys([*names, *(one.name for one in self.constraints)]):
            if name not in figures:
                return Settled(why_not=f"returned no {name!r}, but {_listed(figures)}")
            if not math.isfinite(figures[name]):
                lead = "" if names == [_ONE] else f"{name} = "
                return Settled(why_not=f"returned {lead}{_odd(figures[name])}, which is no result")
        values = tuple(float(figures[name]) for name in names)
        return Settled(values, tuple((str(name), float(value)) for name, value in figures.items()))

    def violations(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Return by how much each constraint is broken, by its own words; 0 or less where it is kept."""
        return {str(one): one.violation(figures[one.name]) for one in self.constraints}

    def better(self, one: Sequence[float], other: Sequence[float]) -> bool:
        """Whether ``one`` is nowhere worse than ``other``, and somewhere better."""
        signs = [1.0 if way == "maximize" else -1.0 for _, way in self.objectives]
        gains = [sign * (mine - its) for sign, mine, its in zip(signs, one, other, strict=True)]
        return min(gains) >= 0 and max(gains) > 0


def _pairs(direction: Any) -> list[tuple[str, Any]]:
    if isinstance(direction, str):
        if "=" not in direction and "," not in direction:
            return [(_ONE, direction.strip())]
        parts = [part.strip().rpartition("=") for part in direction.split(",")]
        return [(name.strip() or f"value_{place}", way.strip()) for place, (name, _, way) in enumerate(parts)]
    if isinstance(direction, Mapping) and direction:
        return [(str(name), way) for name, way in direction.items()]
    if isinstance(direction, Sequence) and direction:
        ways = list(direction)
        return [(_ONE, ways[0])] if len(ways) == 1 else [(f"value_{place}", way) for place, way in enumerate(ways)]
    raise InvalidArgument(f"direction: {direction!r} is none. Write 'maximize', 'minimize', or one for each figure.")


def _listed(figures: Mapping[Any, Any]) -> str:
    return ", ".join(map(str, list(figures)[:6])) or "no figures"


def _odd(value: float) -> str:
    return "NaN" if math.isnan(value) else "infinity" if value > 0 else "minus infinity"
