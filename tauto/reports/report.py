"""The JSON form of every report, with its kind and schema version."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError

from tauto.errors import InvalidArgument

__all__ = ["SCHEMA", "Report", "report_from_dict"]

SCHEMA = 1
"""Version of the JSON form; raised when a field changes its meaning or goes."""

_kinds: dict[str, type[Report]] = {}
_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


class Report:
    """Base of the reports that stand on their own (a result shows one, the store keeps one)."""

    __slots__ = ()
    kind: ClassVar[str]
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(ser_json_inf_nan="strings")

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        _kinds[cls.kind] = cls

    def to_dict(self) -> dict[str, Any]:
        """Return strictly valid JSON data, with ``kind`` and ``schema``; a NaN is written as ``"NaN"``."""
        # by way of the text: only there does pydantic write NaN and infinity as strings
        body: dict[str, Any] = json.loads(_adapter(type(self)).dump_json(self))
        return {"kind": self.kind, "schema": SCHEMA, **body}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the report that :meth:`to_dict` wrote.

        Raises
        ------
        InvalidArgument
            When the data is of a newer schema, another kind, or malformed.
        """
        body = dict(data)
        kind, schema = body.pop("kind", None), body.pop("schema", None)
        if kind != cls.kind:
            raise InvalidArgument(f"report: this is a {kind!r} report, not a {cls.kind!r} report.")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise InvalidArgument(
                f"report: schema {schema!r} is newer than this TAuto reads ({SCHEMA}). Upgrade tauto."
            )
        try:
            report: Self = _adapter(cls).validate_python(body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InvalidArgument(f"report: the {kind} report is malformed at {where}: {first['msg']}") from None
        return report


def report_from_dict(data: dict[str, Any]) -> Report:
    """Return the report of whatever kind ``data`` says it is."""
    if (kind := data.get("kind")) not in _kinds:
        raise InvalidArgument(f"report: unknown kind {kind!r}; there is {', '.join(sorted(_kinds))}.")
    return _kinds[kind].from_dict(data)
