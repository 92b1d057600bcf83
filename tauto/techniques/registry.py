"""Which techniques there are."""

from __future__ import annotations

from typing import TypeVar

from tauto.errors import InvalidArgument, did_you_mean
from tauto.techniques.technique import Technique

__all__ = ["adopt", "register", "technique", "techniques"]

_registry: dict[str, Technique] = {}


_T = TypeVar("_T", bound=type[Technique])


def register(kind: _T) -> _T:
    """Class decorator: add the technique to the registry under its name."""
    if kind.name in _registry:
        raise InvalidArgument(f"technique: {kind.name!r} is registered already.")
    _registry[kind.name] = kind()
    return kind


def technique(name: str) -> Technique:
    """Return the technique called ``name``.

    Raises
    ------
    InvalidArgument
        When there is none of that name; the message has close matches.
    """
    if name not in _registry:
        raise InvalidArgument(f"technique: there is no {name!r}. {did_you_mean(name, _registry)}".rstrip())
    return _registry[name]


def techniques() -> tuple[Technique, ...]:
    """Return every registered technique, in the order of registration."""
    return tuple(_registry.values())


def adopt(item: Technique) -> None:
    """Register an instance that was registered in the process this one serves."""
    _registry.setdefault(item.name, item)
