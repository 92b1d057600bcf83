"""What a study is a study of, as it stands in the storage: plain JSON, from which nothing is ever run."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

__all__ = ["ATTRIBUTE", "Identity", "other_versions", "versions"]

ATTRIBUTE = "tauto:identity"
"""The study's attribute that holds it."""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def versions() -> dict[str, str]:
    """Return the versions under which code comes to the same figures."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"TAuto": _version("tauto"), "torch": _version("torch"), "Python": python}


def other_versions(before: Mapping[str, str]) -> list[str]:
    """Return in words each of the versions ``before`` that is another one here.

    Examples
    --------
    >>> other_versions(versions())
    []
    """
    here = versions()
    return [
        f"{name} {known}, and here is {here[name]}" for name, known in before.items() if known != here.get(name, known)
    ]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a study is a study of.

    Parameters
    ----------
    kind : str
        The verb that made it, such as ``"tune"``.
    subject : str
        What is tuned, as the user calls it.
    parts : mapping
        Digests of its code and data, by name (:mod:`tauto.tuning.study.digest`).
    goal : sequence of str
        The objectives and constraints, as they are written.
    origin : str
        Where the code came from, such as ``train.py:objective``; empty for a notebook.
    python, torch, tauto : str
        Versions under which the study was made.
    """

    kind: str
    subject: str
    parts: Mapping[str, str]
    goal: tuple[str, ...]
    origin: str = ""
    python: str = field(default_factory=lambda: versions()["Python"])
    torch: str = field(default_factory=lambda: versions()["torch"])
    tauto: str = field(default_factory=lambda: versions()["TAuto"])

    @property
    def versions(self) -> dict[str, str]:
        """Those of :func:`versions` under which the study was made."""
        return {"TAuto": self.tauto, "torch": self.torch, "Python": self.python}

    def to_attribute(self) -> dict[str, Any]:
        """Return it as the storage keeps it."""
        return asdict(self) | {"parts": dict(self.parts), "goal": list(self.goal)}

    @classmethod
    def from_attribute(cls, data: Any) -> Self | None:
        """Return what :meth:`to_attribute` wrote; None where there is nothing of the kind."""
        try:
            made: Self = TypeAdapter(cls).validate_python(data)
        except ValidationError:
            return None
        return made
