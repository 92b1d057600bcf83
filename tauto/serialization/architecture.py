"""The written form of how a model differs from the class it was made of."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tauto.errors import CandidateFailed
from tauto.serialization.skeleton import Place

__all__ = ["FILE", "VERSION", "WEIGHTS", "Architecture", "Layer", "Stored", "Weights", "sha256"]

VERSION = 1
FILE = "architecture.json"
WEIGHTS = "weights.safetensors"
_MOST_BYTES = 64 * 2**20
_CHUNK = 2**20


class _Form(BaseModel):
    # strict: "8" is no number; forbid: a field of another version is an error
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Layer(_Form):
    """How one module differs from what the class makes at its path; what is not said is as the class makes it."""

    kind: str | None = None
    """Built anew, as this kind, from ``arguments``."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    source: str | None = None
    """Taken from this path of the class instead."""
    attributes: dict[str, Any] = Field(default_factory=dict)
    children: dict[str, bool] | None = None
    """Its parts, and whether each is there or None."""
    absent: list[str] = Field(default_factory=list)
    """Tensors that it has no longer."""
    reshaped: list[str] = Field(default_factory=list)
    """Tensors of another shape."""


class Stored(_Form):
    """One tensor."""

    place: Place
    dtype: str
    shape: list[int]
    tied_to: str | None = None
    subclass: dict[str, Any] | None = None
    """What torchao says of a quantized tensor beside its parts."""
    channels_last: bool = False


class Weights(_Form):
    """The file of the tensors."""

    sha256: str
    bytes: int


class Architecture(_Form):
    """A whole description.

    Parameters
    ----------
    version : int
        Of this form.
    original : dict
        The class of every module of the model that it was made of, so that another one is noticed.
    layers : dict
        What differs.
    aliases : dict
        Modules that are another one, under a second name.
    tensors : dict
        Every tensor in the file.
    weights : Weights
        The file itself.
    hooks : dict
        How many functions run before or after the calls of a module: they are code and not kept, but missed.
    """

    version: int
    original: dict[str, str]
    layers: dict[str, Layer]
    aliases: dict[str, str]
    tensors: dict[str, Stored]
    weights: Weights
    hooks: dict[str, int] = Field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write it with a digest of its own, which tells damage (it is no signature)."""
        data = self.model_dump(exclude_defaults=True)
        text = json.dumps({**data, "sha256": _digest(data)}, indent=1)
        (folder / FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return what is written in ``folder``.

        Raises
        ------
        CandidateFailed
            When it is missing, damaged, malformed or of a newer version.
        """
        data = _read(folder / FILE)
        version = data.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version != VERSION:
            raise CandidateFailed(f"{FILE} is of version {str(version)[:20]}, and this TAuto reads {VERSION}")
        if data.pop("sha256", None) != _digest(data):
            raise CandidateFailed(f"{FILE} is damaged or was changed: its digest is another")
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise CandidateFailed(f"{FILE} is malformed at {where[:120]}: {first['msg']}") from None


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():  # a pipe or a device could be read for ever
        raise CandidateFailed(f"there is no {FILE} in {path.parent.name or path.parent}")
    with path.open("rb") as file:
        raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise CandidateFailed(f"{FILE} is larger than {_MOST_BYTES // 2**20} MB, which no description is")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise CandidateFailed(f"{FILE} is no JSON: {error}") from None
    if not isinstance(data, dict):
        raise CandidateFailed(f"{FILE} holds no description")
    return data


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits, read a piece at a time."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()
