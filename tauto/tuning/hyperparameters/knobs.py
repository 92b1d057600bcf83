"""One knob: what a value may be. Plain data, so that it travels between a trial and the search as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias

from tauto.errors import InvalidArgument, a_kind

__all__ = ["Choice", "Knob", "KnobKind"]

Choice: TypeAlias = bool | int | float | str | None
KnobKind: TypeAlias = Literal["float", "int", "categorical"]


@dataclass(frozen=True, slots=True)
class Knob:
    """What a value may be.

    Parameters
    ----------
    name : str
        Of the knob, within a study.
    kind : str
        ``"float"``, ``"int"`` or ``"categorical"``.
    low, high : float, optional
        Both ends are in the range.
    step : float, optional
        Values are ``low``, ``low + step`` …
    log : bool
        Whether equal ratios count as equal steps.
    choices : tuple
        Of a categorical knob.

    Examples
    --------
    >>> Knob.ranged("float", "lr", 1e-5, 1e-1, log=True).words
    '1e-05 … 0.1, by ratios'
    """

    name: str
    kind: KnobKind
    low: float | None = None
    high: float | None = None
    step: float | None = None
    log: bool = False
    choices: tuple[Choice, ...] = ()

    @classmethod
    def ranged(cls, kind: KnobKind, name: str, low: Any, high: Any, *, step: Any = None, log: bool = False) -> Self:
        """Return a knob with a range.

        Raises
        ------
        InvalidArgument
            When the range is none.
        """
        what = f"suggest.{kind}({name!r})"
        number = int if kind == "int" else float
        _check_name(name)
        for word, value in (("low", low), ("high", high), ("step", step)):
            if value is None and word == "step":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise InvalidArgument(f"{what}: {word} is {value!r}, which is no finite number.")
            if kind == "int" and value != int(value):
                raise InvalidArgument(f"{what}: {word} is {value!r}. Write a whole number, or suggest.float.")
        if low > high:
            raise InvalidArgument(f"{what}: low is {low!r}, above high, {high!r}. Write them the other way round.")
        if step is not None and step <= 0:
            raise InvalidArgument(f"{what}: step is {step!r}. Write one above 0, or leave it out.")
        if log and low <= 0:
            raise InvalidArgument(f"{what}: log=True needs a range above 0; low is {low!r}.")
        if log and step is not None and not (kind == "int" and step == 1):
            raise InvalidArgument(f"{what}: log=True and step= do not go together. Leave one out.")
        return cls(name, kind, number(low), number(high), None if step is None else number(step), bool(log))

    @classmethod
    def chosen(cls, name: str, choices: Any) -> Self:
        """Return a knob with choices.

        Raises
        ------
        InvalidArgument
            When there are none, or one is no plain value.
        """
        what = f"suggest.categorical({name!r})"
        _check_name(name)
        if isinstance(choices, str) or not hasattr(choices, "__iter__"):
            raise InvalidArgument(f"{what}: choices is {choices!r}. Write a list, such as ['adam', 'sgd'].")
        options = tuple(choices)
        if not options:
            raise InvalidArgument(f"{what}: there are no choices. Write at least one.")
        for option in options:
            if option is not None and not isinstance(option, bool | int | float | str):
                raise InvalidArgument(
                    f"{what}: a choice is {a_kind(option)}, which a study cannot keep. Choose among names and "
                    "look it up: {'adam': Adam, 'sgd': SGD}[tauto.suggest.categorical(…, ['adam', 'sgd'])]."
                )
            if isinstance(option, float) and not math.isfinite(option):
                raise InvalidArgument(f"{what}: {option!r} is no choice. Write finite numbers.")
            if options.count(option) > 1:  # 1, 1.0 and True are the same to a study
                raise InvalidArgument(
                    f"{what}: the choice {option!r} is there twice, as Python compares. Leave one out."
                )
        return cls(name, "categorical", choices=options)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return what :meth:`to_dict` wrote, checked as if the user had written it."""
        if data.get("kind") == "categorical":
            return cls.chosen(data["name"], data["choices"])
        kind: KnobKind = "int" if data.get("kind") == "int" else "float"
        return cls.ranged(kind, data["name"], data["low"], data["high"], step=data["step"], log=data["log"])

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self) | {"choices": list(self.choices)}

    def holds(self, value: Any) -> bool:
        """Whether ``value`` is one that this knob may take."""
        if self.kind == "categorical":
            return any(value == option and type(value) is type(option) for option in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float) or self.low is None or self.high is None:
            return False
        return self.low <= value <= self.high

    @property
    def words(self) -> str:
        """The values in words."""
        if self.kind == "categorical":
            return ", ".join(map(str, self.choices))
        ways = [f"in steps of {self.step:g}"] if self.step not in (None, 1) else []
        ways += ["by ratios"] if self.log else []
        return ", ".join([f"{self.low:g} … {self.high:g}", *ways])


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name.strip():
        raise InvalidArgument(f"suggest: the name of a knob is {name!r}. Write one such as 'lr'.")
    if len(name) > 200:
        raise InvalidArgument(f"suggest: the name of a knob has {len(name)} letters. Write one of at most 200.")
